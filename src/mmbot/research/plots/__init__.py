"""Charts as SVG text for reports: no drawing library, no script, equal input gives equal bytes.

Colours are CSS classes, so that a page decides about themes; `mmbot.research.html_style` has them.
"""

from mmbot.research.plots.bars import Bar, bar_chart, row_chart
from mmbot.research.plots.histogram import Histogram, histogram_chart
from mmbot.research.plots.timechart import Band, Line, Marks, TimeChart, time_chart
from mmbot.research.plots.waterfall import Step, waterfall_chart

__all__ = [
    "Band",
    "Bar",
    "Histogram",
    "Line",
    "Marks",
    "Step",
    "TimeChart",
    "bar_chart",
    "histogram_chart",
    "row_chart",
    "time_chart",
    "waterfall_chart",
]
