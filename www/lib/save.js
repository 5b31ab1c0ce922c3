// Files that the page gives to the user.

/** Characters that file systems do not take, and those that turn a name around. */
const FORBIDDEN = /[\\/:*?"<>|\u0000-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g;

/** Has the browser save a text, or a blob. */
export function saveFile(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name.replace(FORBIDDEN, ' ').trim();
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
