// Whether an answer says that there is none: what models say when they do not know, cannot, or will not.

/**
 * Beginnings of such answers, compared without case and with straight apostrophes. Only beginnings: an answer may well go on
 * to say of somebody else that he does not know.
 */
const BEGINNINGS: readonly RegExp[] = [
  /^(?:i'm |i am )?(?:very )?sorry\b/,
  /^(?:unfortunately,? )?i (?:do not|don't|cannot|can't|can not) (?:know|answer|help|find|tell|provide|assist|determine)\b/,
  /^(?:unfortunately,? )?i(?:'m| am) (?:not able|unable|not sure|only a)\b/,
  /^(?:as an ai|that is beyond me|that is more than i can do)\b/,
  /^(?:the |these |this )?(?:passages?|texts?|documents?|context|information)(?: provided| given)? (?:do not|does not|don't|doesn't) (?:say|state|mention|contain|provide|specify)\b/,
  /^there is no (?:information|mention)\b/,
  // These may as well begin an answer ("Unknown Pleasures came out in 1979"), so they count alone, or with where it was sought.
  /^(?:not (?:mentioned|stated|given|specified|found|known)|unknown|no answer)(?: (?:in|by) (?:the |these |this )?(?:given )?(?:passages?|texts?|documents?|context|information))?["'*]*[.!]?["'*]*$/,
];

/** Whether `answer` is one. */
export function refuses(answer: string): boolean {
  const plain = answer.trim().toLowerCase().replaceAll('’', "'").replace(/^[\s"'*-]+/, '');
  return BEGINNINGS.some((beginning) => beginning.test(plain));
}
