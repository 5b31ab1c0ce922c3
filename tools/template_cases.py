"""Writes tests/cases/template_cases.json: small templates rendered by Jinja2, set up as in transformers.

    python tools/template_cases.py        # needs jinja2
"""

import datetime
import json
import pathlib

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2026, 1, 15, 12, 0)


class Generation(Extension):
    """`{% generation %}`: prints its body."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    return env


MESSAGES = [
    {"role": "system", "content": "  Be brief. "},
    {"role": "user", "content": "Hello <b>world</b> & \"you\" \u00e9\u4e16\U0001f600\n"},
    {"role": "assistant", "content": "", "tool_calls": [
        {"id": "abc", "type": "function", "function": {"name": "f", "arguments": {"x": 1, "y": [1.5, None, True], "s": "it's"}}}]},
    {"role": "tool", "name": "f", "content": "{\"ok\": true}"},
    {"role": "user", "content": None},
]
EXTRA = {
    "numbers": [3, 1, 2],
    "floats": [1.0, 0.1, 1e16, 1e-5, 123456.789, -2.5],
    "text": "one two  three",
    "lines": "a\nb\r\nc",
    "schema": {"type": "object", "properties": {"items": {"type": "array", "items": {"type": "string"}}, "b": {"type": "integer"}}, "required": ["b"]},
    "empty": {},
    "big": 12345678901234567,
    "nested": {"b": {"z": 1, "a": [{}]}, "a": []},
    "people": [{"n": "Bo", "a": 3}, {"n": "al", "a": 1}, {"n": "Cy"}],
}

# One expression or statement sequence per line: each is its own case.
EXPRESSIONS = r"""
{{ text.split() }}{{ text.split(' ') }}{{ text.split(' ', 1) }}{{ text.split(None, 1) }}{{ text.split(maxsplit=1) }}{{ text.rsplit(' ', 1) }}{{ text.rsplit(None, 1) }}{{ text.rsplit() }}
{{ '  a b  '.split(None, 1) }}{{ ' a  b  c '.split(None, 2) }}{{ ' a  b  c '.rsplit(None, 1) }}{{ ''.split() }}{{ ''.split(',') }}
{{ '  x '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'xyaxy'.lstrip('yx') }}|{{ 'abc\n\n'.rstrip('\n') }}|{{ '--a'.lstrip('-') }}
{{ text.startswith('one') }}{{ text.startswith(('x', 'one')) }}{{ text.endswith('three') }}{{ text.endswith(('a','b')) }}
{{ text.upper() }}{{ text.title() }}{{ text.capitalize() }}{{ "it's o'neil".title() }}{{ 'ABC'.lower() }}{{ 'aB'.swapcase() }}
{{ text.replace('o', '0') }}{{ text.replace('o', '0', 1) }}{{ 'aaa'.replace('', '-') }}{{ text | replace('e', 'E') }}
{{ ', '.join(['a', 'b']) }}{{ ['a', 1, none, 2.5] | join('-') }}{{ people | join(',', attribute='n') }}{{ numbers | join }}
{{ text.find('two') }}{{ text.find('zz') }}{{ text.count('e') }}{{ text.index('t') }}{{ text.rfind('e') }}
{{ lines.splitlines() }}{{ lines.splitlines(true) }}{{ 'a=b=c'.partition('=') }}{{ 'a=b=c'.rpartition('=') }}{{ 'abc'.partition('x') }}
{{ 'a{}b{}'.format(1, 'x') }}{{ '{0}{1}{0}'.format('a', 'b') }}{{ '{x}{{}}'.format(x=3) }}
{{ '%s is %d and %.2f' % ('a', 3, 1.5) }}{{ '%s' % 'x' }}{{ '%05d|%x|%%' | format(42, 255) }}
{{ '7'.zfill(3) }}{{ 'ab'.ljust(4) }}|{{ 'ab'.rjust(4, '.') }}|{{ 'ab'.center(5, '*') }}
{{ '12'.isdigit() }}{{ 'a1'.isalnum() }}{{ 'ab'.isalpha() }}{{ ' '.isspace() }}{{ 'Ab'.islower() }}{{ 'AB'.isupper() }}
{{ 'abc'.removeprefix('a') }}{{ 'abc'.removesuffix('c') }}{{ 'abc'[0] }}{{ 'abc'[-1] }}{{ 'abc'[::-1] }}{{ 'abcdef'[4:1:-2] }}{{ 'abcdef'[:-2] }}{{ 'abc'[5:] }}
{{ messages[1:] | length }}{{ messages[::-1][0].role }}{{ messages[-1].role }}{{ numbers[::-1] }}{{ numbers[4:0:-1] }}{{ numbers[:2] }}{{ numbers[5:] }}
{{ [1, 2.0, none, true, 'x', "it's", {'a': [1]}] }}{{ (1, 2) }}{{ (1,) }}{{ {} }}{{ [] }}{{ {'k': none} }}
{{ floats }}{% for f in floats %}{{ f }},{{ f | tojson }};{% endfor %}
{{ none }}{{ true }}{{ false }}{{ undefined_thing }}{{ 1.0 }}{{ 10 / 2 }}{{ 7 // 2 }}{{ -7 // 2 }}{{ 7 % 3 }}{{ -7 % 3 }}{{ 2 ** 10 }}{{ 7.5 % 2 }}
{{ 'ab' * 3 }}{{ [1] * 2 }}{{ 3 * 'x' }}{{ 'a' * -1 }}|{{ [1, 2] + [3] }}{{ 1 + 1.5 }}{{ 'a' ~ 1 ~ none ~ true ~ 1.5 ~ [1] }}{{ true + 1 }}
{{ schema | tojson }}{{ schema | tojson(indent=2) }}{{ nested | tojson(sort_keys=true) }}{{ nested | tojson(separators=(',', ':')) }}{{ {} | tojson(indent=4) }}{{ [] | tojson(indent=1) }}
{{ messages | tojson }}{{ messages[1].content | tojson(ensure_ascii=True) }}{{ big | tojson }}{{ (1, 2) | tojson }}{{ {1: 2, none: 3, false: 4} | tojson }}{{ "\u2028</script>\x7f" | tojson }}
{{ messages[1] }}
{{ messages[2].tool_calls[0].function.arguments }}
{% for k, v in schema.items() %}{{ k }}={{ v }};{% endfor %}{{ schema.keys() | list }}{{ nested.values() | list }}{{ schema.properties.items() | list }}
{{ schema.get('type') }}{{ schema.get('x') }}{{ schema.get('x', 'd') }}{{ schema.get('x', none) }}{{ schema['x'] is defined }}{{ schema.x is defined }}
{% for k in schema %}{{ k }},{% endfor %}{{ schema | length }}{{ schema | list }}{{ schema | dictsort }}{{ schema | items | list }}
{{ 'type' in schema }}{{ 'zz' in schema }}{{ 'wo' in text }}{{ 2 in numbers }}{{ 2 not in numbers }}{{ 'a' in undefined_thing }}{{ 'n' in people[0] }}
{{ text is string }}{{ numbers is string }}{{ text is sequence }}{{ schema is sequence }}{{ numbers is sequence }}{{ 1 is sequence }}{{ none is sequence }}
{{ text is iterable }}{{ schema is iterable }}{{ numbers is iterable }}{{ 1 is iterable }}{{ none is iterable }}{{ schema is mapping }}{{ numbers is mapping }}
{{ 1 is number }}{{ 1.5 is number }}{{ true is number }}{{ '1' is number }}{{ 1 is integer }}{{ true is integer }}{{ 1.0 is integer }}{{ 1.0 is float }}{{ true is boolean }}{{ 1 is boolean }}
{{ none is none }}{{ undefined_thing is none }}{{ undefined_thing is defined }}{{ undefined_thing is undefined }}{{ none is defined }}{{ x is not defined }}{{ true is true }}{{ false is false }}{{ 1 is true }}
{{ 3 is odd }}{{ 4 is even }}{{ 6 is divisibleby 3 }}{{ 1 is eq 1 }}{{ 1 is equalto 2 }}{{ 1 is in [1, 2] }}{{ 'A' is upper }}{{ 'a' is lower }}{{ 3 is gt 2 }}{{ 3 is sameas 3 }}
{{ tools is defined }}{{ tools is none }}{{ documents is defined }}{{ not tools }}{{ add_generation_prompt }}{{ bos_token }}{{ eos_token }}
{{ people | map(attribute='n') | list }}{{ people | selectattr('a', 'defined') | map(attribute='a') | list }}{{ people | rejectattr('a') | list | length }}{{ people | selectattr('a', 'defined') | selectattr('a', 'gt', 2) | list }}{{ people | selectattr('n', 'equalto', 'Cy') | list | length }}
{{ numbers | sort }}{{ numbers | sort(reverse=true) }}{{ people | sort(attribute='n') | map(attribute='n') | list }}{{ [1, 1, 2] | unique | list }}{{ numbers | sum }}{{ numbers | max }}{{ numbers | min }}{{ numbers | first }}{{ numbers | last }}{{ numbers | reverse | list }}
{{ ['a', 'B'] | map('upper') | list }}{{ numbers | map('string') | join('+') }}{{ numbers | select('odd') | list }}{{ numbers | reject('odd') | list }}{{ [0, 1, none, ''] | select | list }}{{ people | map(attribute='a', default=0) | list }}
{{ '  x ' | trim }}|{{ none | trim }}|{{ undefined_thing | trim }}|{{ 5 | trim }}|{{ 'xax' | trim('x') }}|{{ none | string }}|{{ 1.0 | string }}|{{ none | upper }}
{{ text | length }}{{ 'é世😀' | length }}{{ undefined_thing | length }}{{ text | count }}{{ text | wordcount }}{{ numbers | length }}
{{ x | default('d') }}{{ none | default('d') }}{{ none | default('d', true) }}{{ '' | default('d', boolean=true) }}{{ '' | d('e') }}
{{ 'a\nb\n\nc' | indent }}|{{ 'a\nb' | indent(2, true) }}|{{ 'a\nb' | indent(width=3, first=True) }}|{{ 'a\n\nb' | indent(2, blank=true) }}|{{ '{\n' | indent(4, first=true) }}|{{ 'a\n' | indent('> ') }}|{{ '' | indent(2, true) }}|
{{ '3' | int }}{{ 'x' | int }}{{ 'x' | int(7) }}{{ 3.9 | int }}{{ '3.5' | float }}{{ 'x' | float }}{{ 2.567 | round(2) }}{{ 2.5 | round }}{{ 2 | round }}{{ -3 | abs }}{{ 7 | string }}
{{ 'hello world' | title }}{{ "it's (a) test-case" | title }}{{ 'HELLO w' | capitalize }}{{ 'ab' | list }}{{ 'abc' | first }}{{ 'abc' | last }}{{ 'abc' | reverse }}{{ 'b,a' | upper }}
{{ [[1, 2], [3]] | sum(start=[]) }}{{ [1, 2, 3, 4, 5] | batch(2) | list }}{{ [1, 2, 3, 4, 5] | slice(2) | list }}{{ people | groupby('a', default=0) | list | length }}
{{ '<b>' | e }}{{ '<b>' | safe }}{{ 'x'|safe + '<\'">&' }}{{ '<' ~ '<'|safe }}{{ '<'|e|e }}{{ ('<'|e)|forceescape }}{{ '<' + ('b'|safe) }}
{{ range(3) | list }}{{ range(1, 6, 2) | list }}{{ range(5, 0, -2) | list }}{% for i in range(2) %}{{ i }}{% endfor %}{{ dict(a=1, b='x') }}
{{ 'yes' if numbers else 'no' }}{{ 'yes' if empty else 'no' }}{{ 'x' if false }}{{ (none or 'd') }}{{ ('' or 0 or []) }}{{ (1 and 'b') }}{{ not 1 }}{{ 1 if 2 > 1 else 3 }}
{{ 1 < 2 < 3 }}{{ 1 == 1.0 }}{{ 'a' < 'b' }}{{ [1, 2] == [1, 2] }}{{ {'a': 1} == {'a': 1.0} }}{{ none == undefined_thing }}{{ true == 1 }}{{ '1' == 1 }}{{ (1, 2) == [1, 2] }}
{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}{% for i in [1] %}{% set x = 3 %}{% endfor %}{{ x }}{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set c %} y {% endset %}[{{ c }}]{{ c | trim }}
{% set ns = namespace(n=0, items=[]) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% set ns.items = ns.items + [m.role] %}{% endfor %}{{ ns.n }}{{ ns.items }}
{% for m in messages if m.role == 'user' %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }};{% else %}none{% endfor %}{% for x in [] %}a{% else %}none{% endfor %}
{% for m in messages %}{% if loop.index0 == 1 %}{% continue %}{% endif %}{% if loop.index == 4 %}{% break %}{% endif %}{{ m.role }},{% endfor %}
{% for m in messages %}{% if loop.previtem is defined and loop.previtem.role == 'user' %}<{{ m.role }}>{% endif %}{% if loop.nextitem is not defined %}end{% endif %}{{ loop.changed(m.role) }}{{ loop.cycle('a', 'b') }}{% endfor %}
{% macro f(x, y='d', z=none) %}[{{ x }}{{ y }}{{ z }}]{% endmacro %}{{ f(1) }}{{ f(1, 2) }}{{ f(y=5, x=4) }}{{ f('a') ~ 'b' }}{{ f() }}
{% macro r(n) %}{{ n }}{% if n > 0 %}{{ r(n - 1) }}{% endif %}{% endmacro %}{{ r(9) }}{% macro w() %}<{{ caller() }}>{% endmacro %}{% call w() %}in{% endcall %}
{% set v = 'outer' %}{% macro g() %}{{ v }}{{ bos_token }}{% endmacro %}{{ g() }}{% set v = 'later' %}{{ g() }}
{% for t in [{'n': 1, 'c': [{'n': 2, 'c': []}]}] recursive %}{{ t.n }}{{ loop(t.c) }}{% endfor %}{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{% filter upper %}abc{% endfilter %}
{% generation %}{{ messages[0].role }}{% endgeneration %}|{%- generation -%} x {%- endgeneration -%}|
{% raw %}{{ not a variable }}{% endraw %}{# comment {{ x }} #}{{ '{{' }}{{ "a\tb\\n\x41\u00e9" }}
  {%- if true %} a {% endif -%}  b   {%+ if true %} c {% endif +%} d {{- ' e ' -}}  f
{{ strftime_now('%d %b %Y') }}{{ strftime_now('%A %B %H:%M:%S %j %y %p %I') }}{{ strftime_now('%Y-%m-%d') }}
{{ raise_exception('stop here') }}
{{ messages[0].nope.deeper }}
{{ 'a' + undefined_thing }}
{{ 'a' + 1 }}
{{ undefined_thing | tojson }}
{{ none | length }}
{{ messages.nope() }}
{{ 'a'.nope() }}
{% for x in 5 %}{% endfor %}
{% for x in none %}{% endfor %}
{% for x in tools %}{% endfor %}{% for x in nope if x %}{% endfor %}no tools
{{ numbers['x'] }}{{ numbers[10] }}{{ none.x }}{{ (1).x }}{{ 'abc'.x }}|{{ schema[1] }}|
{{ undefined_function() }}
{{ 1 | nope }}
{{ namespace(a=1, **{'b': 2}).b }}{{ dict(schema, z=1).z }}
{{ namespace(a=1).a }}{{ [1, [2, [3]]][1][1][0] }}{{ {'a': {'b': 1}}['a'].b }}{{ ({'a': 1}.items() | list)[0][1] }}{{ 'x' if 'a' in {'a': 1} and not false else 'y' }}
{{ messages | map(attribute='role') | unique | join(',') }}{{ messages | selectattr('role', 'in', ['user', 'tool']) | list | length }}{{ (messages | selectattr('role', 'equalto', 'user') | list)[-1].content }}
{{ messages[1].content.split('<b>')[-1].split('</b>')[0] }}{{ messages[0].content | trim | upper }}{{ messages[4].content }}{{ messages[4].content is none }}{{ messages[4]['content'] is string }}
{{ "%.1f" | format(3.14159) }}{{ 1000000 }}{{ 1_000 }}{{ 0x1f }}{{ 1e3 }}{{ 0.5 }}
{{ '\n'.join(['a', 'b']) }}{{ "a" "b" }}{{ 'a' 'b' }}{{ text[0:3] + text[-5:] }}{{ 'é世😀'[1:] }}{{ 'é世😀'.upper() }}
{{ [3, 1] | tojson }}{{ 'a"b\\c/d' | tojson }}{{ 1.0 | tojson }}{{ 1e100 | tojson }}{{ true | tojson }}{{ none | tojson }}{{ "\b\f\x01" | tojson }}
{{ people | map(attribute='n') | map('lower') | sort | join(' ') }}{{ people | tojson(indent=2) | indent(4) }}{{ [{'a': 1}] | map('tojson') | join }}
{%- set m = messages[2].tool_calls[0] -%}{{ m.function.name }}{{ m['function']['arguments'] | tojson }}{{ m.function.arguments.items() | list }}{{ m.function.arguments.keys() | join(',') }}{{ m.get('id') }}{{ m.function.arguments is mapping }}{{ m.function.arguments is string }}
"""

# Templates with newlines: what trim_blocks and lstrip_blocks do.
BLOCKS = [
    "{% for m in messages %}\n  {% if m.content %}\n  {{ m.role }}: {{ m.content }}\n  {% endif %}\n{% endfor %}\nend\n",
    "\n\n  {%- for m in messages -%}\n   {{- m.role }}\n\n  {%- endfor %}\n\n",
    "a\n  {# comment #}\nb\n   {% set x = 1 %}   \nc {{ x }}\n\n",
    "{% macro show(m) %}\n  <{{ m.role }}>\n{% endmacro %}\n{% for m in messages %}\n{{ show(m) }}\n{% endfor %}",
    "{%- if messages[0]['role'] == 'system' -%}\n    {%- set system = messages[0]['content'] | trim -%}\n    {%- set rest = messages[1:] -%}\n{%- else -%}\n    {%- set rest = messages -%}\n{%- endif -%}\n{%- for m in rest -%}\n    {%- if (m['role'] == 'user') != (loop.index0 % 2 == 0) -%}\n        [{{ loop.index0 }}]\n    {%- endif -%}\n    {{ m['role'] + '\\n' }}\n{%- endfor -%}\n",
    "line one\\n\n{% if add_generation_prompt %}\n<|assistant|>\n{% endif %}",
    "{% set t %}\n  block\n{% endset %}\n[{{ t }}]\n{% filter trim %}\n  y  \n{% endfilter %}\n",
    "\t{% if true %}tab{% endif %}\r\n{% if true %}\r\ncrlf{% endif %}\r\n",
]


def main():
    env = environment()
    variables = dict(messages=MESSAGES, add_generation_prompt=True,
                     bos_token="<s>", eos_token="</s>", **EXTRA)
    cases = []
    for template in [line for line in EXPRESSIONS.strip("\n").split("\n")] + BLOCKS:
        try:
            cases.append({"template": template, "expected": env.from_string(template).render(**variables)})
        except Exception as error:
            cases.append({"template": template, "error": f"{type(error).__name__}: {error}"})
    out = {"messages": MESSAGES, "extra": EXTRA, "cases": cases}
    path = pathlib.Path(__file__).parent.parent / "tests" / "cases" / "template_cases.json"
    path.write_text(json.dumps(out, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    errors = [c["error"] for c in cases if "error" in c]
    print(len(cases), "cases,", len(errors), "errors:", *errors, sep="\n  ")


main()
