"""5 million rows of 20 columns by dbldatagen on PySpark with two cores, into Parquet."""

import sys
from pathlib import Path

from dbldatagen import DataGenerator
from pyspark.sql import SparkSession
from pyspark.sql.types import DateType, DoubleType, IntegerType, StringType, TimestampType

spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
spec = (
    DataGenerator(spark, rows=5_000_000, partitions=8)
    .withColumn("advertiser_id", IntegerType(), minValue=1, maxValue=2_000, random=True)
    .withColumn("campaign_id", IntegerType(), minValue=1, maxValue=10_000, random=True)
    .withColumn(
        "hour_ts",
        TimestampType(),
        begin="2025-01-01 00:00:00",
        end="2025-12-31 23:00:00",
        interval="1 hour",
        random=True,
    )
    .withColumn("day", DateType(), begin="2025-01-01", end="2025-12-31", random=True)
    .withColumn("device", StringType(), values=["CTV", "MOBILE", "TABLET", "DESKTOP"], random=True)
    .withColumn("country", StringType(), values=["US", "CA", "GB", "DE"], weights=[6, 1, 2, 1])
    .withColumn("ctr", DoubleType(), minValue=0.0, maxValue=0.01, step=0.0001, random=True)
    .withColumn("cpm", DoubleType(), minValue=5.0, maxValue=60.0, step=0.01, random=True)
    .withColumn("count", IntegerType(), minValue=0, maxValue=100_000, random=True, numColumns=11)
)
table = spec.build().drop("id")
table = table.withColumn("campaign_name", table.campaign_id.cast("string"))
table.write.parquet(str(Path(sys.argv[1], "table")))
spark.stop()
