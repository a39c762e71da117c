#!/usr/bin/env python3
"""jobsweep and a service that is none: whatever answers, the sweep ends with a message that names the endpoint,
in bounded memory, and nothing is deleted."""
import concurrent.futures
import os
import socket
import threading

from harness import Iotsim, clean_environment, configure, equal, main, measure, program, scratch

MEMORY_MIB = 64 if "sanitize" not in os.environ.get("BUILD", "") else 640  # a sanitizer keeps what is freed
STS = ("<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/x</Arn>"
       "<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>")
OK = "HTTP/1.1 200 OK\r\nx-amzn-RequestId: r-1\r\n"


class Hostile:
    """Answers STS as it should be, and every other request with the bytes that `answer` yields."""

    def __init__(self, answer):
        self.answer = answer
        self.requests = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return  # stopped
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        with peer, peer.makefile("rb") as stream:
            try:
                while self.serve_one(peer, stream):
                    pass
            except OSError:
                pass  # the client has had enough

    def serve_one(self, peer, stream):
        line = stream.readline().decode()
        length = 0
        for header in iter(stream.readline, b"\r\n"):
            if not header:
                return False
            if header.lower().startswith(b"content-length:"):
                length = int(header.split(b":")[1])
        stream.read(length)
        self.requests.append(line.split(" ")[0])
        if line.startswith("POST"):
            peer.sendall(whole(STS).encode())
            return True
        for piece in self.answer():
            peer.sendall(piece.encode())
        return False

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def whole(body, headers=""):
    return f"{OK}{headers}Content-Length: {len(body.encode())}\r\n\r\n{body}"


def sweep(url, ca="/dev/null", env=None):
    """Exit status, standard error and the most memory that was used, in MiB."""
    path = configure(scratch(), url, ca)
    environment = env or dict(clean_environment(), AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY="secret")
    done = measure([program("jobsweep"), "-c", path, "sweep", "old"], {**environment, "AWS_ENDPOINT_URL_STS": url})
    return done.returncode, done.stderr, done.peak_bytes / 2**20


def refused(answer, word):
    server = Hostile(answer)
    status, message, memory = sweep(server.url)
    server.stop()
    equal(status, 1, message)
    assert word in message, (word, message)
    assert "\033" not in message and len(message) < 2000, message
    assert memory < MEMORY_MIB, f"{memory} MiB"
    equal([method for method in server.requests if method not in ("GET", "POST")], [], "methods")


def says(text):
    return lambda: [text]


def endless(head, piece):
    def answer():
        yield head
        while True:
            yield piece
    return answer


BODIES = [  # what ListJobs answers, and a word of the message
    (says(whole("<html>\033[31mlog in</html>")), "unexpected character"),
    (says(whole("")), "malformed JSON"),
    (says(whole("null")), "holds no jobs"),
    (says(whole('{"jobs":[]} x')), "unexpected character"),
    (says(whole('{"jobs":' + "[" * 1000000)), "levels"),
    (says(whole('{"jobs":[{"jobId":"a","createdAt":' + "1" * 1000000 + "}]}")), "number"),
    (says(whole('{"jobs":[],"nextToken":"t"}')), "came twice"),
    (says(whole('{"jobs":[],"nextToken":"' + "t" * 1000000 + '"}')), "nextToken"),
]
FRAMES = [
    (says("HTTP/1.1 307 T\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"), "307"),
    (says("HTTP/1.1 101 S\r\n\r\n"), "101"),
    (endless("", "HTTP/1.1 100 Continue\r\n\r\n" * 100), "larger than 65536"),
    (endless(OK, "X-A: 1\r\n" * 100), "larger than 65536"),
    (endless(OK + "X-A: ", "a" * 65536), "header line is too long"),
    (endless(OK + "Transfer-Encoding: chunked\r\n\r\n", "1000\r\n" + "a" * 4096 + "\r\n"), "larger than 4194304"),
    (says(OK + "Content-Length: 100\r\n\r\n{}"), "98 bytes"),
    (says(OK + "\r\n{}"), "no length"),
]


def refuse_all(cases):
    """Four at a time: a sweep spends its time waiting between the attempts."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in pool.map(lambda case: refused(*case), cases):
            pass


def an_answer_with_a_hostile_body_ends_the_sweep():
    refuse_all(BODIES)


def an_answer_with_hostile_framing_ends_the_sweep():
    refuse_all(FRAMES)


def a_clock_that_is_off_deletes_nothing():
    for skew, expected in ((90, 1), (-90, 1), (3600, 8), (-3600, 8)):
        with Iotsim("--things", 10, "--executions", 50, "--quota", "all=-1", "--skew", skew) as sim:
            status, message, _ = sweep(sim.url, sim.ca, sim.environment())
            equal(status, expected, message)
            assert "clock" in message, message
            equal(sim.counts()["operations"]["DeleteJobExecution"]["received"], 0)


main([an_answer_with_a_hostile_body_ends_the_sweep, an_answer_with_hostile_framing_ends_the_sweep,
      a_clock_that_is_off_deletes_nothing])
