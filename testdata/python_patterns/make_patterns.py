"""Writes patterns.json: what Python's `re` finds in texts by regular expressions, or why it refuses them.

Run with Python 3.13, whose words for errors are recorded. (With a flag for all of the expression that a group at its
very beginning takes back, as in `(?a)(?u:\\w)`, its search goes by the first flag: such expressions are not here.)

    python make_patterns.py
"""

import json
import pathlib
import random
import re
import warnings

warnings.simplefilter("ignore")
TEXTS = """
foo foo/bar foo/bar/baz FOO .zarray foo/.zgroup foo/bar/0.12 c/0/1 x0 x.0 a.b aab aaab [x] a-b a&&b a~~b a||b #a {2} a{2}
(a) ^a$ a+b \\w a|b K \u212a k s \u017f i I \u0130 \u0131 \u00df \u1e9e \u00e9 \u00c9 \u03c3\u03c2\u03a3 \u0661\u0662 \u00b2 \u00bd \u2160 _ a_b
e\u0301 \u4e00 \U0001f600 \u00b5\u03bc \u203f \u2003x a=b a:b a,b a!b a;b - -- ] ^ abc xyz ab ba abab A1 z
""".split(" ")
TEXTS = sorted({part for text in TEXTS for part in text.split("\n") if part} | {"a b", " ", "a\u00a0b"})

# Patterns between broken bars.
FOUND = r"""
foo¦^foo¦foo$¦^foo$¦o+¦a{2}¦a{2,3}b¦a{,2}b¦a{1,}b¦a{,}b¦a*?b¦a+?$¦a??b¦x?0¦(foo|bar)/¦(?:foo)/(?:bar)¦(?P<n>foo)/¦()¦(|a)b
\Afoo¦foo\Z¦\Afoo\Z¦\bbar\b¦\Boo¦\d¦\D¦^\d+$¦^\D+$¦\w¦\W¦^\w+$¦^\W+$¦\s¦^\S+$¦\.¦\-¦\/¦\_a¦\x41¦\u00e9¦\U0001F600¦\060¦\101¦\0¦\a¦\t
[abc]¦[^abc]¦[a-c]¦[]x]¦[^]x]¦[a-]¦[-a]¦[--/]¦[\w.]¦[^\w.]¦[\W]¦[^\W]¦[\d]¦[\D]¦[^\D]¦[\s]¦[\S]¦[[]¦[[x]¦[a&&b]¦[&&]¦[a--b]¦[a~~b]¦[~~]¦[a[b]c]¦[\]]
[\[\]]¦[\b]¦[\x41-C]¦[\101]¦[\0-\101]¦[^\n]¦[#]¦[ ]¦[\u00e0-\u00ef]¦[[:alpha:]]¦[a-z&&[aeiou]]¦[*+?{}().^$]¦[!-~]¦\\w¦[\\]¦[\d-]¦[\w-]¦[a\-c]
(?i)foo¦(?i)K¦(?i)k¦(?i)s¦(?i)i¦(?i)[h-j]¦(?i)[^k]¦(?i)\u00df¦(?i)\u03c2¦(?i)\u00b5¦(?i)[a-z]¦(?i:f)oo¦(?i:F)oo¦(?-i:f)oo¦(?i)f(?-i:O)o¦(?ai)k¦(?ai)[a-k]
(?ai)[j-l]¦(?ai)\u00e9¦(?a)\w¦(?a)^\w+$¦(?a)\d¦(?a)\W¦(?a)[\w]¦(?a)[^\w]¦(?a)\bb¦(?a)\Bb¦(?a:\w)$¦(?u:\w)$¦(?a)^(?u:\w)$¦(?s).¦(?m)^foo$¦(?s-i:a.b)¦(?im)^FOO$
(?x) f o o¦(?x)foo # bar¦(?x) [ ] ¦(?x)\ ¦(?x) a {2}¦(?x:f o)o¦(?x)(?-x: )¦(?#c)foo¦a(?#c){2}¦(?#c)(?i)FOO¦(?i)(?s)FOO¦(?x) (?i) FOO¦fo(?#)o
{¦}¦a{¦a{2¦a{,¦{2}¦]¦a]¦\{2\}¦x{a}¦x{}¦^¦$¦^$¦a¦a.b¦.b¦..¦^.$¦^..$¦(a|b)+$¦(a*)*¦(a*)+b¦(?:)*¦(?:a|)+b¦(a{2}){2}¦a{0}b¦a{3}¦[a]{2,3}¦(?:ab){2}
(?i)\w¦(?i)[\d]x¦#¦#a¦(?x)\#¦(?s:.)(?x: a )¦\&¦\~¦\%¦\"¦\'¦\ ¦\@¦\u2003¦\x2f¦(?P<été>a)¦(?P<_1>a)(?P<b>b)¦((((((a))))))¦\07¦\377¦\047
"""
WRONG = r"""
(|a)**¦[¦[a¦[]¦[^]¦[a-¦*¦+¦?¦a**¦a*??¦a{1}{2}¦a{2}?{3}¦^*¦$+¦\b*¦\A?¦(?i)*¦(*a)¦a¦*¦{,2}{3}¦a{2,1}¦a{9999999999}¦\¦\q¦\z¦\c¦\e¦\G¦\K¦\Q¦\p{L}¦\x¦\x1¦\xg0¦\u12¦\u¦\U00110000
\400¦\777¦[\8]¦[\q]¦[\A]¦[\B]¦[\Z]¦[\x]¦[\400]¦[b-a]¦[\w-z]¦[a-\w]¦[a-\d]¦(?¦(?|)¦(?P¦(?P<¦(?P<n¦(?P<n)¦(?P<>a)¦(?P<1>a)¦(?P<a-b>a)¦(?P<a>a)(?P<a>b)¦(x)(?P<a>a)(y)(?P<a>b)¦(?P>a)¦(?Pa)¦(?<¦(?<a>b)¦(?<a
(?z)¦(?t)¦(?i¦(?-¦(?i-¦(?-i)¦(?i-i:a)¦(?i-:a)¦(?-:a)¦(?iz)¦(?i1)¦(?-z:a)¦(?-1:a)¦(?L)a¦(?L:a)¦(?-L:a)¦(?-a:a)¦(?-u:a)¦(?au)a¦(?a)(?u)a¦(?ua:b)¦a(?i)b¦a|(?i)b¦((?i)a)¦(?i:(?s)a)¦(?i-s¦(?i-s)¦(?#¦(?#a¦(?:¦(?:a¦((a)|a))¦(?%¦(?'n'a)¦(?&n)¦(?R)
"""
UNSUPPORTED = [
    ("a(?=b)", "look-ahead (?=...)"), ("a(?!b)", "look-ahead (?!...)"), ("(?<=a)b", "look-behind (?<=...)"),
    ("(?<!a)b", "look-behind (?<!...)"), (r"(a)\1", r"back-reference \1"), (r"(a)\12", r"back-reference \12"),
    ("(?P<n>a)(?P=n)", "back-reference (?P=...)"), ("(a)?(?(1)b|c)", "condition (?(...)...)"),
    ("(?>a)", "atomic group (?>...)"), ("a*+", "possessive repeat *+"), ("a{2}+", "possessive repeat {2}+"),
    ("a?+", "possessive repeat ?+"), ("a++", "possessive repeat ++"), (r"\N{DIGIT ONE}", r"a character by name \N{...}"),
    (r"\ud800", r"the half of a surrogate pair \ud800"), (r"[\ud800-\udfff]", r"the half of a surrogate pair \ud800"),
]
FLAGGED = [("foo", 2), ("FOO", 2 | 256), ("k", 2), ("k", 2 | 256), ("^bar", 8), ("a.b", 16), ("f o o # x", 64), (r"^\w+$", 256), (r"^\w+$", 32), ("[ a ]", 64), ("(?-i:f)oo", 2), ("^(?u:\\w)", 256)]

# Of what random expressions are made; every one is valid alone.
ATOMS = ["a", "b", "f", "o", "/", ".", r"\.", "0", r"\d", r"\w", r"\W", r"\s", "[a-f]", "[^/]", "[&&a]", r"[\w.-]", "[[.]", "(?:a|b)", "(f|)", "(?i:K)", "(?a:\\w)", "(?s:.)", "[]^]", "\u00e9", r"[^\W\d]", "#"]
ANCHORS = ["^", "$", r"\b", r"\B", r"\A", r"\Z"]
REPEATS = ["", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{,2}", "{2,}"]
PREFIXES = ["", "", "", "(?i)", "(?a)", "(?ai)", "(?x) ", "(?m)"]


def listed(text):
    return [pattern for line in text.strip("\n").split("\n") for pattern in line.split("¦")]


def random_pattern(source):
    parts = [source.choice(PREFIXES)]
    for _ in range(source.randint(1, 4)):
        parts.append(source.choice(ANCHORS) if source.random() < 0.15 else source.choice(ATOMS) + source.choice(REPEATS))
        if source.random() < 0.1:
            parts.append("|")
    return "".join(parts)


def record(pattern, flags=0):
    case = {"pattern": pattern, **({"flags": flags} if flags else {})}
    try:
        compiled = re.compile(pattern, flags)
    except (re.error, ValueError, OverflowError) as error:
        return {**case, "error": str(error)}
    return {**case, "found": [n for n, text in enumerate(TEXTS) if compiled.search(text)]}


source = random.Random(20)
patterns = [*listed(FOUND), *listed(WRONG), *(random_pattern(source) for _ in range(400))]
cases = [record(pattern) for pattern in dict.fromkeys(patterns)]
cases += [record(pattern, flags) for pattern, flags in FLAGGED]
unsupported = [{**record(pattern), "unsupported": what} for pattern, what in UNSUPPORTED]
lines = [json.dumps(case) for case in cases + unsupported]
path = pathlib.Path(__file__).parent / "patterns.json"
path.write_text('{"texts": ' + json.dumps(TEXTS) + ',\n"cases": [\n' + ",\n".join(lines) + "\n]}\n")
