"""The same pipeline per bucket of members on Apache Spark 4 (extra ``hcc-engine[spark]``); see docs/spark.md.

pyspark, polars and all else that is heavy are imported when ``score`` is called, and polars on the executors only after
its number of threads is set.
"""

from hcc.spark.api import score
from hcc.spark.results import SparkRun

__all__ = ["SparkRun", "score"]
