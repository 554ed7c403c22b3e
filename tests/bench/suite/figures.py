"""What a bench says: samples of several variants from interleaved rounds, and bounds for their ratios."""

from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Bound:
    """The ratio of two variants, and what it has to be. `counted`: both are counts, which no busy machine changes, so
    that a quick run judges them as well."""
    subject: str
    base: str
    least: float | None = None
    most: float | None = None
    counted: bool = False

    def __str__(self):
        return " ".join([f"{self.subject}/{self.base}", *([f">= {self.least:g}"] if self.least is not None else []),
                         *([f"<= {self.most:g}"] if self.most is not None else [])])

    def keeps(self, ratio):
        return (self.least is None or ratio >= self.least) and (self.most is None or ratio <= self.most)


@dataclass
class Figure:
    """One line of the table. `samples`: for each variant its value in every round, in `unit`."""
    bench: str
    name: str
    unit: str
    samples: dict[str, list[float]]
    bounds: list[Bound] = field(default_factory=list)
    note: str = ""

    def median(self, variant):
        return median(self.samples[variant])

    def ratio(self, bound):
        """The median of the ratios within each round: what disturbs a round disturbs both."""
        pairs = zip(self.samples[bound.subject], self.samples[bound.base], strict=True)
        return median(subject / base if base else (1.0 if not subject else float("inf")) for subject, base in pairs)

    def broken(self, quick):
        """The bounds that it does not keep."""
        return [bound for bound in self.bounds
                if (bound.counted or not quick) and not bound.keeps(self.ratio(bound))]


def interleave(variants, rounds):
    """Runs A B A B…: `variants` has a function for each name, which returns a value or a tuple of them. The values by
    variant, in the order of rounds; tuples become one such dictionary for each place. Every second round runs backwards,
    so that nobody is always the first after another."""
    values = {name: [] for name in variants}
    for number in range(rounds):
        for name in (list(variants) if number % 2 == 0 else reversed(variants)):
            values[name].append(variants[name]())
    first = next(iter(values.values()))[0]
    if not isinstance(first, tuple):
        return values
    return tuple({name: [value[place] for value in found] for name, found in values.items()}
                 for place in range(len(first)))
