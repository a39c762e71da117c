#!/usr/bin/env python3
"""Each fault of iotsim does what it says, and its signatures, clock and limits are checked, seen from the
wire."""
import email.utils
import http.client
import json
import os
import socket
import time

from harness import Iotsim, clean_environment, equal, main, program, run, scratch, wait_until

TARGET = "/things/gw-000000/jobs/fw-0000/executionNumber/1"


def code(headers):
    return headers["x-amzn-ErrorType"].rstrip(":")


def faulty(kind, plain=False):
    """One fault of this kind, at the first deletion."""
    return Iotsim("--things", 4, "--jobs", 1, "--executions", 8, "--fault", f"{kind}=1", "--fault-ops",
                  "DeleteJobExecution", "--fault-limit", 1, plain=plain)


def executed(sim, kind, expected):
    """The fault happened once; the deletion was carried out, or not, and can be, or not, afterwards."""
    counts = sim.counts()
    equal(counts["faults"][kind], 1, "faults")
    equal(counts["operations"]["DeleteJobExecution"]["received"], 1, "received")
    equal(counts["deleted"], 1 if expected else 0, "deleted")
    equal(sim.request("DELETE", TARGET + "?force=true")[0], 404 if expected else 200, "the next deletion")
    equal(sim.counts()["double_deletes"], 1 if expected else 0, "double deletes")


def refused(kind, status, expected_code, was_executed=False):
    with faulty(kind) as sim:
        found, headers, body = sim.request("DELETE", TARGET + "?force=true")
        equal((found, code(headers)), (status, expected_code))
        assert json.loads(body)["message"] and headers["x-amzn-RequestId"] and headers["Date"]
        executed(sim, kind, was_executed)


def breaks(kind, errors, was_executed, plain=False, timeout=60):
    """On a connection that has worked before, as it is when a kept connection dies."""
    with faulty(kind, plain) as sim:
        connection = sim.connect(timeout)
        equal(sim.request("GET", "/jobs/fw-0000", connection=connection)[0], 200)
        try:
            sim.request("DELETE", TARGET + "?force=true", connection=connection)
        except errors:
            pass
        else:
            raise AssertionError("it was answered")
        finally:
            connection.close()
        executed(sim, kind, was_executed)


def refusals_are_answered_and_not_executed():
    refused("throttle", 400, "ThrottlingException")
    refused("500", 500, "InternalFailureException")
    refused("503", 503, "ServiceUnavailableException")
    refused("expired", 403, "ExpiredTokenException")
    refused("denied", 403, "AccessDeniedException")


def a_500_may_have_been_executed():
    refused("500-executed", 500, "InternalFailureException", was_executed=True)


def garbage_is_a_page_of_somebody_else():
    with faulty("garbage") as sim:
        status, headers, body = sim.request("DELETE", TARGET + "?force=true")
        equal((status, headers["Content-Type"]), (200, "text/html"))
        assert b"<html>" in body
        executed(sim, "garbage", False)


def a_reset_before_is_not_executed():
    for plain in (True, False):
        breaks("reset-before", ConnectionResetError, False, plain)


def a_reset_after_is_executed():
    for plain in (True, False):
        breaks("reset-after", ConnectionResetError, True, plain)


def a_kept_connection_is_closed_after_the_request():
    for plain in (True, False):
        breaks("close-keepalive", http.client.RemoteDisconnected, False, plain)


def a_truncated_answer_ends_early():
    for plain in (True, False):
        breaks("truncate", http.client.IncompleteRead, True, plain)


def a_stalled_request_is_never_answered():
    breaks("stall", socket.timeout, False, timeout=1)


def faults_keep_to_their_operations_and_their_limit():
    with Iotsim("--fault", "500=1", "--fault-ops", "ListJobs,DescribeJob", "--fault-limit", 3) as sim:
        statuses = [sim.request("GET", target)[0] for target in ["/jobs", "/things", "/jobs/fw-0000", "/jobs", "/jobs"]]
        equal(statuses, [500, 200, 500, 500, 200])


def a_session_token_is_part_of_the_signature():
    with Iotsim(session_token="the-token/+=") as sim:
        equal(sim.request("GET", "/jobs")[0], 200)
        headers = sim.signed("GET", "/jobs")
        headers["X-Amz-Security-Token"] = "another"
        status, answer, _ = sim.request("GET", "/jobs", headers=headers)
        equal((status, code(answer)), (403, "UnrecognizedClientException"))


def a_signature_covers_everything():
    with Iotsim("--things", 40) as sim:
        def refusal(method, target, headers, body=None):
            status, answer, _ = sim.request(method, target, body, headers=headers)
            equal(status, 403, target)
            return code(answer)
        good = sim.signed("GET", "/jobs?maxResults=1")
        equal(sim.request("GET", "/jobs?maxResults=1", headers=good)[0], 200)
        equal(refusal("GET", "/jobs?maxResults=2", good), "InvalidSignatureException")
        equal(refusal("GET", "/jobs/fw-0000", good), "InvalidSignatureException")
        equal(refusal("DELETE", "/jobs/fw-0000", good), "InvalidSignatureException")
        equal(refusal("GET", "/jobs?maxResults=1", {**good, "X-Amz-Date": "20200101T000000Z"}),
              "IncompleteSignatureException")
        equal(refusal("GET", "/jobs", {"Authorization": "AWS4-HMAC-SHA256 nonsense"}), "IncompleteSignatureException")
        equal(refusal("GET", "/jobs", {"Accept": "*/*"}), "MissingAuthenticationTokenException")
        equal(refusal("GET", "/jobs", sim.signed("GET", "/jobs", secret_key="x")), "InvalidSignatureException")
        equal(refusal("GET", "/jobs", sim.signed("GET", "/jobs", service="s3")), "InvalidSignatureException")
        stranger = {name: value.replace("AKIDEXAMPLE", "AKIDSOMEBODY") for name, value in good.items()}
        equal(refusal("GET", "/jobs", stranger), "UnrecognizedClientException")
        equal(sim.counts()["signature_failures"], 9)
        equal(sim.request("GET", "/jobs", headers=sim.signed("GET", "/jobs", service="execute-api"))[0], 200)
        equal(sim.request("GET", "/things/gw-000005%3Aradio/jobs?status=FAILED&maxResults=3")[0], 200)


def a_clock_that_is_wrong_is_seen():
    for skew, words in ((600, "Signature expired: "), (-600, "Signature not yet current: ")):
        with Iotsim("--skew", skew) as sim:
            status, headers, body = sim.request("GET", "/jobs")
            equal((status, code(headers)), (403, "InvalidSignatureException"))
            assert json.loads(body)["message"].startswith(words), body
            date = email.utils.parsedate_to_datetime(headers["Date"]).timestamp()
            assert abs(date - time.time() - skew) < 120, headers["Date"]


def a_quota_throttles_with_400():
    with Iotsim("--quota", "ListJobs=2") as sim:
        connection = sim.connect()
        answers = [sim.request("GET", "/jobs", connection=connection) for _ in range(200)]
        late = [code(headers) for status, headers, _ in answers if status == 400]
        assert late and set(late) == {"ThrottlingException"}
        equal(sim.counts()["operations"]["ListJobs"]["throttled"], len(late))


def latency_holds_answers_back_and_loses_none():
    with Iotsim("--latency", "1..40", "--quota", "all=-1") as sim:
        connections = [sim.connect() for _ in range(10)]
        for _ in range(5):
            for connection in connections:
                connection.request("GET", "/jobs", headers=sim.signed("GET", "/jobs"))
            for connection in connections:
                answer = connection.getresponse()
                equal((answer.status, len(json.loads(answer.read())["jobs"])), (200, 10))
        for connection in connections:
            connection.close()
        equal(sim.counts()["operations"]["ListJobs"]["executed"], 50)


def a_deletion_sent_twice_hits_what_was_made_anew():
    for more, status, deleted in ((["--reuse-numbers"], 200, 2), ([], 404, 1)):
        with Iotsim("--things", 4, "--jobs", 1, "--executions", 8, "--rebirth", 1, *more) as sim:
            equal(sim.request("DELETE", TARGET + "?force=true")[0], 200)
            equal(sim.request("DELETE", TARGET)[0], status, "the same deletion again")
            found = sim.deleted()
            equal(len({row["identity"] for row in found}), deleted, "identities")
            equal([row["number"] for row in found], [1] * deleted)


def a_signature_lives_as_long_as_it_is_told():
    for life, skew, status in ((10, 60, 403), (200, 60, 200), (3600, 600, 200)):
        with Iotsim("--signature-life", life, "--skew", skew) as sim:
            equal(sim.request("GET", "/jobs")[0], status, f"{skew} s old, good for {life} s")


def it_stops_while_requests_rest():
    with Iotsim("--latency", "60000") as sim:
        connection = sim.connect()
        connection.request("GET", "/jobs", headers=sim.signed("GET", "/jobs"))
        wait_until(lambda: sim.counts()["operations"]["ListJobs"]["received"], "the request's arrival")
        equal(sim.stop()["operations"]["ListJobs"]["executed"], 0)
        connection.close()


def nonsense_is_refused_with_a_reason():
    with Iotsim() as sim:
        for method, target, status in (("GET", "/nothing", 404), ("PATCH", "/jobs", 404), ("GET", "/jobs?colour=red", 400),
                                       ("GET", "/jobs?maxResults=0", 400), ("GET", "/jobs?maxResults=251", 400),
                                       ("GET", "/jobs?maxResults=x", 400), ("GET", "/jobs?nextToken=x", 400),
                                       ("GET", "/jobs/" + "j" * 65, 400), ("GET", "/things/" + "t" * 129 + "/jobs", 400),
                                       ("GET", "/jobs/a%2Fb", 400), ("GET", "/jobs/a%00b", 400), ("GET", "/jobs/a%zzb", 400),
                                       ("GET", "/things/gw-000000/jobs?status=ODD", 400),
                                       ("DELETE", TARGET + "?force=yes", 400), ("DELETE", TARGET[:-1] + "x", 400),
                                       ("DELETE", TARGET[:-1] + "9223372036854775808", 400),
                                       ("DELETE", TARGET[:-1] + "-1", 404), ("DELETE", TARGET + "?namespaceId=no", 404)):
            equal(sim.request(method, target)[0], status, f"{method} {target}")
        equal(sim.counts()["deleted"], 0)


def the_journal_tells_each_step_of_a_deletion():
    path = os.path.join(scratch(), "journal")
    with Iotsim("--things", 4, "--jobs", 1, "--executions", 8, "--journal", path, "--reuse-numbers", "--rebirth", 1,
                "--fault", "reset-after=1", "--fault-limit", 1, "--fault-ops", "DeleteJobExecution") as sim:
        headers = sim.signed("DELETE", TARGET + "?force=true")
        try:
            raise AssertionError(sim.request("DELETE", TARGET + "?force=true", headers=headers))
        except ConnectionError:
            pass
        equal(sim.request("DELETE", "/things/gw-000000/jobs/none/executionNumber/1")[0], 404)
        equal(sim.request("GET", TARGET[:-len("/executionNumber/1")])[0], 200)  # reborn
        deleted = sim.deleted()
        sim.stop()
    with open(path, encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    equal([(event["n"], event["event"]) for event in events if event["n"] == 1],
          [(1, "received"), (1, "executed"), (1, "reborn"), (1, "lost"), (1, "closed")])
    equal([event["event"] for event in events if event["n"] == 2], ["received", "refused", "answered", "closed"])
    received, executed, reborn = events[:3]
    equal((received["target"], received["date"]), (TARGET + "?force=true", headers["X-Amz-Date"]))
    equal(received["signature"], headers["Authorization"].rpartition("Signature=")[2])
    equal([(row["identity"], row["job"], row["thing"], row["number"]) for row in deleted],
          [(executed["identity"], "fw-0000", "gw-000000", 1)])
    equal((reborn["job"], reborn["thing"], reborn["number"]), ("fw-0000", "gw-000000", 1))
    assert reborn["identity"] > executed["identity"] and executed["queued_at"]


def a_bad_option_is_named():
    for option in (["--fault", "odd=1"], ["--fault", "500=2"], ["--fault", "500=0.6,503=0.6"], ["--rebirth", "2"], ["--quota", "Odd=1"], ["--fault-ops", "Odd"],
                   ["--latency", "5..1"], ["--port", "70000"], ["--region", "no.where"], ["--odd"], ["odd"], []):
        done = run([program("iotsim"), *option], clean_environment())
        equal((done.returncode, done.stdout), (2, ""), str(option))
        assert done.stderr.startswith("iotsim: ") and done.stderr.count("\n") == 1, done.stderr
    assert "--fault KIND=RATE" in run([program("iotsim"), "--help"], clean_environment()).stdout


main([refusals_are_answered_and_not_executed, a_500_may_have_been_executed, garbage_is_a_page_of_somebody_else,
      a_reset_before_is_not_executed, a_reset_after_is_executed, a_kept_connection_is_closed_after_the_request,
      a_truncated_answer_ends_early, a_stalled_request_is_never_answered,
      faults_keep_to_their_operations_and_their_limit, a_session_token_is_part_of_the_signature,
      a_signature_covers_everything, a_clock_that_is_wrong_is_seen, a_quota_throttles_with_400,
      latency_holds_answers_back_and_loses_none, a_deletion_sent_twice_hits_what_was_made_anew,
      a_signature_lives_as_long_as_it_is_told, it_stops_while_requests_rest, nonsense_is_refused_with_a_reason,
      the_journal_tells_each_step_of_a_deletion, a_bad_option_is_named])
