"""Writes src/text/unicode_classes.rs: the general-category groups that pre-tokenizers' \\p{..} classes need.

    pip install unicodedata2==15.1.0 && python tools/unicode_classes.py > src/text/unicode_classes.rs

Unicode 15.1 is what llama.cpp's own table holds; a newer version would split newly assigned characters differently.
"""
import unicodedata2

GROUPS = {"L": 1, "M": 2, "N": 3, "P": 4, "S": 5}  # everything else (separators, controls, unassigned) is 0

assert unicodedata2.unidata_version == "15.1.0"
ranges, last = [], None
for code in range(0x110000):
    group = GROUPS.get(unicodedata2.category(chr(code))[0], 0)
    if group != last:
        ranges.append(code << 3 | group)
        last = group

print("//! Unicode 15.1 general-category groups. Made by tools/unicode_classes.py; do not edit.")
print()
print("/// `first code point << 3 | group` in ascending order; a range ends where the next begins.")
print("/// Groups: 1 letter, 2 mark, 3 number, 4 punctuation, 5 symbol, 0 anything else.")
print("#[rustfmt::skip]")
print(f"pub(super) const CLASSES: [u32; {len(ranges)}] = [")
line = "   "
for value in ranges:
    item = f" 0x{value:x},"
    if len(line) + len(item) > 118:
        print(line)
        line = "   "
    line += item
print(line)
print("];")
