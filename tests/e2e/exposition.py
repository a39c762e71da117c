"""A strict reader of Prometheus' text format (0.0.4), with the naming rules that promtool checks besides.

read(text) gives {name: {labels: value}}, the labels as a sorted tuple of pairs; anything odd is a Fault.
"""
import math
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
VALUE = re.compile(r"[+-]?(\d+(\.\d+)?([eE][+-]?\d+)?|Inf)|NaN")
TYPES = ("counter", "gauge", "histogram")
PREFIXES = ("jobsweep_", "process_")
ABBREVIATED = ("ms", "millis", "milliseconds", "minutes", "hours", "days", "kb", "kib", "mb", "kilobytes", "percent", "secs")


class Fault(Exception):
    """What is wrong, and in which line."""


def demand(holds, what):
    if not holds:
        raise Fault(what)


def unescape(text):
    demand(not re.search(r"\\(?![\\\"n])", re.sub(r"\\\\", "", text)), f"an escape that there is not: {text!r}")
    return re.sub(r"\\(.)", lambda found: "\n" if found.group(1) == "n" else found.group(1), text)


def read_labels(text):
    """What is between the braces, and how much of the text that takes."""
    labels, at = {}, 1
    while text[at:at + 1] != "}":
        name = LABEL.match(text, at)
        demand(name and not name.group().startswith("__"), f"no label name: {text[at:]!r}")
        value = re.compile(r'="((?:[^"\\\n]|\\.)*)"(,(?=[a-zA-Z_])|(?=}))').match(text, name.end())
        demand(value, f"no label value: {text[name.end():]!r}")
        demand(name.group() not in labels, f"a label twice: {name.group()}")
        labels[name.group()] = unescape(value.group(1))
        at = value.end()
    demand(labels, "empty braces")
    return labels, at + 1


def read_sample(line):
    name = NAME.match(line)
    demand(name, "no name")
    labels, end = {}, name.end()
    if line[end:end + 1] == "{":
        labels, length = read_labels(line[end:])
        end += length
    demand(line[end:end + 1] == " " and VALUE.fullmatch(line, end + 1), f"no value: {line[end:]!r}")
    return name.group(), labels, float(line[end + 1:])


class Family:
    def __init__(self, name, text):
        demand(NAME.fullmatch(name) and text.strip() == text and len(text) > 3, "a HELP line without a name or a text")
        self.name, self.kind, self.samples = name, None, {}

    def set_kind(self, name, kind):
        demand(name == self.name and self.kind is None and not self.samples, "a TYPE line out of place")
        demand(kind in TYPES, f"an unknown type {kind}")
        self.kind = kind
        self.check_name()

    def check_name(self):
        name, words = self.name, self.name.split("_")
        demand(name.startswith(PREFIXES), "a foreign prefix")
        demand(not set(words) & set(ABBREVIATED), "a unit that is no base unit, or abbreviated")
        demand((self.kind == "counter") == name.endswith("_total"), "counters, and only they, end in _total")
        demand(not name.endswith(("_count", "_sum", "_bucket", "_info")) or (self.kind == "gauge" and name.endswith("_info")),
               "a suffix that means something else")
        demand(self.kind not in words, "its type in its name")
        demand("timestamp" not in words or name.endswith("_timestamp_seconds"), "a timestamp that is not in seconds")
        demand(":" not in name, "colons are for recorded rules")

    def add(self, name, labels, value):
        demand(self.kind is not None, "a sample before its TYPE line")
        suffixes = ("_bucket", "_sum", "_count") if self.kind == "histogram" else ("",)
        demand(name in [self.name + suffix for suffix in suffixes], f"{name} does not belong to {self.name}")
        demand(("le" in labels) == name.endswith("_bucket"), "le is for buckets")
        demand(self.kind == "gauge" or (value >= 0 and math.isfinite(value)), "a counter that is negative or no number")
        key = (name, tuple(sorted(labels.items())))
        demand(key not in self.samples, "a sample twice")
        self.samples[key] = value

    def finish(self):
        demand(self.kind is not None, f"{self.name} has no type")
        if self.kind == "histogram":
            self.check_histogram()
        others = {tuple(sorted(name for name, _ in labels if name != "le")) for _, labels in self.samples}
        demand(len(others) <= 1, f"{self.name} has samples with different labels")

    def check_histogram(self):
        buckets = [(float(dict(labels)["le"].replace("+Inf", "inf")), value)
                   for (name, labels), value in self.samples.items() if name.endswith("_bucket")]
        demand(buckets == sorted(buckets) and len({bound for bound, _ in buckets}) == len(buckets), "buckets out of order")
        demand(all(a[1] <= b[1] for a, b in zip(buckets, buckets[1:])), "buckets that are not cumulative")
        demand(buckets and buckets[-1][0] == math.inf, "no bucket for +Inf")
        demand(self.samples.get((self.name + "_count", ())) == buckets[-1][1], "the count is not that of +Inf")
        demand((self.name + "_sum", ()) in self.samples, "no sum")


def read_line(line, families):
    comment = re.fullmatch(r"# (HELP|TYPE) (\S+) (.+)", line)
    if comment and comment.group(1) == "HELP":
        demand(comment.group(2) not in families, "a family twice, or in pieces")
        families[comment.group(2)] = Family(comment.group(2), comment.group(3))
        return
    demand(families, "no HELP line before it")
    last = list(families.values())[-1]
    if comment:
        last.set_kind(comment.group(2), comment.group(3))
    else:
        demand(not line.startswith("#") and line, "neither a sample nor a HELP or TYPE line")
        last.add(*read_sample(line))


def read(text):
    families, found = {}, {}
    demand(text.endswith("\n") and "\r" not in text, "no line feed at the end, or carriage returns")
    for number, line in enumerate(text[:-1].split("\n"), 1):
        try:
            read_line(line, families)
        except Fault as fault:
            raise Fault(f"line {number}: {fault}: {line!r}") from None
    for family in families.values():
        family.finish()
        found.setdefault(family.name, {})
        for (name, labels), value in family.samples.items():
            found.setdefault(name, {})[labels] = value
    return found


GOOD = """# HELP jobsweep_x_total What it is.
# TYPE jobsweep_x_total counter
jobsweep_x_total{a="1",b="\\"\\\\\\n"} 1
jobsweep_x_total{a="2",b="é}, "} 2.5e3
# HELP process_y_seconds Time.
# TYPE process_y_seconds histogram
process_y_seconds_bucket{le="0.1"} 1
process_y_seconds_bucket{le="+Inf"} 2
process_y_seconds_sum 0.3
process_y_seconds_count 2
"""
BAD = (  # a piece of it, and what stands in its place
    ("HELP jobsweep_x_total What it is.", "HELP jobsweep_x_total"), ("TYPE jobsweep_x_total counter", "TYPE jobsweep_x_total gauge"),
    ("TYPE jobsweep_x_total counter", "TYPE jobsweep_x_total summary"), ("# TYPE jobsweep_x_total counter\n", ""),
    ("jobsweep_x_total", "jobsweep_x"), ("jobsweep_x_total", "x_total"), ("jobsweep_x_total", "jobsweep_x_ms_total"),
    ("jobsweep_x_total", "jobsweep_x_counter_total"), ("process_y_seconds", "process_y_total"),
    ('a="2"', 'a="1"},'), ('{a="2",b="é}, "}', '{a="2"}'), ('{a="2",b="é}, "}', "{}"), ('a="2"', 'a="2",a="3"'), ('a="2"', '__a="2"'),
    ('a="2"', "a=2"), ('a="2"', 'a-b="2"'), ("\\n", "\\t"), ("} 1\njob", "}1\njob"), ("} 1\njob", "} -1\njob"),
    ("} 1\njob", "} NaN\njob"), ("} 1\njob", "} 1,5\njob"), ("} 1\njob", "} 1 17\njob"), ("count 2\n", "count 2"), ("count 2", "count 3"),
    ("process_y_seconds_sum 0.3\n", ""), ('process_y_seconds_bucket{le="+Inf"} 2\n', ""), ('le="+Inf"} 2', 'le="+Inf"} 0'),
    ('le="0.1"', 'lt="0.1"'), ("# HELP process", "\n# HELP process"), ("# HELP process", "jobsweep_z 1\n# HELP process"),
    ("# HELP process", "# EOF\n# HELP process"), ('a="2",b="é}, "', 'b="\\"\\\\\\n",a="1"'), ("0.3", "0.3\r"),
    ("count 2\n", 'count 2\njobsweep_x_total{a="3",b=""} 1\n'), ("# HELP process", "# HELP jobsweep_x_total Again.\n# HELP process"),
)


def check_yourself():
    """That what is good is taken, and each fault found."""
    found = read(GOOD)
    assert found["jobsweep_x_total"][(("a", "1"), ("b", '"\\\n'))] == 1, found
    for piece, other in BAD:
        text = GOOD.replace(piece, other)
        assert text != GOOD, piece
        try:
            read(text)
        except Fault:
            continue
        raise AssertionError(f"taken: {other!r} for {piece!r}")
