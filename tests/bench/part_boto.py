"""What one would write with boto3: 64 threads, one client, its default retries.

usage: part_boto.py delete|sweep URL FILE
       part_boto.py keep URL COUNT

delete: the executions of FILE, a JSON list of [job id, thing name, number]. sweep: lists every job's finished
executions and deletes those that were last updated more than 30 days ago as their pages come. keep: lists the finished
executions of the jobs "fw-*" that give out no more work, and selects all but the newest COUNT of each thing. Prints one
JSON object; the seconds begin when the client is ready.
"""
import collections
import concurrent.futures
import datetime
import json
import sys
import time

import boto3
import botocore.config
import botocore.exceptions

THREADS = 64
AGE = datetime.timedelta(days=30)
FINISHED = ["SUCCEEDED", "FAILED", "TIMED_OUT", "REJECTED", "REMOVED", "CANCELED"]


def given(client, path):
    with open(path, encoding="utf-8") as file:
        yield from json.load(file)


def finished(client, wanted):
    """Job id, thing name and summary of each finished execution of these jobs."""
    executions = client.get_paginator("list_job_executions_for_job")
    for page in client.get_paginator("list_jobs").paginate(maxResults=250):
        for job in filter(wanted, page["jobs"]):
            for status in FINISHED:
                for found in executions.paginate(jobId=job["jobId"], status=status, maxResults=250):
                    for row in found["executionSummaries"]:
                        yield job["jobId"], row["thingArn"].split(":thing/", 1)[1], row["jobExecutionSummary"]


def listed(client, path):
    before = datetime.datetime.now(datetime.timezone.utc) - AGE
    for job, thing, summary in finished(client, lambda job: True):
        if summary["lastUpdatedAt"] < before:
            yield job, thing, summary["executionNumber"]


def over(job):
    return job["jobId"].startswith("fw-") and not (job["targetSelection"] == "CONTINUOUS" and job["status"] == "IN_PROGRESS")


def kept(client, count):
    things = collections.defaultdict(list)
    for job, thing, summary in finished(client, over):
        things[thing].append((summary["lastUpdatedAt"], summary["executionNumber"], job))
    selected = 0
    for rows in things.values():
        rows.sort(reverse=True)
        selected += len(rows[int(count):])
    return selected


def delete_all(client, rows, results):
    def delete(row):
        try:
            client.delete_job_execution(jobId=row[0], thingName=row[1], executionNumber=row[2])
            return "deleted"
        except botocore.exceptions.ClientError as error:
            return error.response["Error"]["Code"]
        except botocore.exceptions.BotoCoreError as error:
            return type(error).__name__

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        results.update(pool.map(delete, rows))


def main(mode, url, argument):
    client = boto3.client("iot", endpoint_url=url, config=botocore.config.Config(max_pool_connections=THREADS))
    results = collections.Counter()
    start, cpu = time.monotonic(), time.process_time()
    if mode == "keep":
        results["selected"] = kept(client, argument)
    else:
        delete_all(client, {"delete": given, "sweep": listed}[mode](client, argument), results)
    print(json.dumps({"seconds": time.monotonic() - start, "cpu_seconds": time.process_time() - cpu, "results": results}))


main(*sys.argv[1:])
