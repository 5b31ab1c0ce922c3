// Names of files, which come from anywhere, as something that can be shown.

const MOST = 120;
/** Controls, and what turns the order of the letters around ("exe.txt" that reads "txt.exe"). */
const UNSEEN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]/gu;

/** The last part of a path, in visible characters, of bounded length; its ending stays. */
export function shownName(name) {
  const whole = String(name);
  const part = whole.slice(Math.max(whole.lastIndexOf('/'), whole.lastIndexOf('\\')) + 1).slice(0, 65_536);
  const last = part.normalize('NFC').replace(UNSEEN, '').replace(/\s+/g, ' ').trim();
  if (last === '' || /^\.+$/.test(last)) return 'Untitled';
  const letters = [...last];
  if (letters.length <= MOST) return last;
  const ending = /\.[A-Za-z0-9]{1,8}$/.exec(last)?.[0] ?? '';
  return `${letters.slice(0, MOST - ending.length - 1).join('')}…${ending}`;
}
