"""What the tests of `jobsweep delete-job-execution` share: a server that answers by job id, and the command."""
import http.server
import json
import os
import socket
import threading

from harness import ACCESS_KEY, SECRET_KEY, clean_environment, program, run, scratch

AWS = "/usr/bin/aws"
KEYS = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_REGION": "us-east-1"}
ANSWERS = {  # job id: status, code, message
    "j409": (409, "InvalidStateTransitionException", "JobExecution is in IN_PROGRESS state. Use force to delete."),
    "j404": (404, "ResourceNotFoundException", "Job execution not found"),
    "j400": (400, "InvalidRequestException", "Invalid job id"),
    "jthr": (400, "ThrottlingException", "Rate exceeded"),
    "j429": (429, "ThrottlingException", "Rate exceeded"),
    "j503": (503, "ServiceUnavailableException", "Service unavailable"),
    "j403": (403, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/x is not authorized to perform: "
             "iot:DeleteJobExecution on resource: arn:aws:iot:us-east-1:123456789012:job/j403"),
    "j403t": (403, "UnrecognizedClientException", "The security token included in the request is invalid."),
    "j403e": (403, "ExpiredTokenException", "The security token included in the request is expired"),
    "jempty": (500, None, None),
    "j501": (501, None, "not here"),
    "jlimit": (410, "LimitExceededException", "Too many"),
    "jcontrol": (400, "InvalidRequestException", "a\x1b[31mb\x07c"),
    "jquiet": None,  # reads the request, and closes
    "jportal": (200, None, "<html>Please log in</html>"),
}


def words_for(job):
    """The shortest command line that deletes an execution of this job."""
    return ["delete-job-execution", "--job-id", job, "--thing-name", "t", "--execution-number", "1"]


def line(job):
    """The request that it makes, without force."""
    return f"DELETE /things/t/jobs/{job}/executionNumber/1"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_DELETE(self):
        self.server.requests.append(self.requestline.rsplit(" ", 1)[0])
        self.server.headers.append(dict(self.headers.items()))
        job = self.path.split("/jobs/")[-1].split("/")[0]
        answers = self.server.scripts.get(job)
        answer = answers.pop(0) if answers else ANSWERS.get(job, (200, None, None))
        if answer is None:
            self.close_connection = True
            return
        status, code, message = answer
        portal = message is not None and message.startswith("<html>")
        body = message.encode() if portal else json.dumps({"message": message}).encode() if message else b""
        self.send_response(status)
        if code:
            self.send_header("x-amzn-ErrorType", code + ":")
        if not portal:
            self.send_header("x-amzn-RequestId", "11111111-2222-3333-4444-555555555555")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        """STS, which refuses: what matters is what it was asked."""
        self.server.requests.append(self.requestline.rsplit(" ", 1)[0])
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        body = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>"
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Listens on a loopback port; remembers request lines without the version, and headers."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests, self.headers, self.bodies = [], [], []
        self.scripts = {}  # job id: the answers to its next requests
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def taken(self):
        taken, self.requests, self.headers, self.bodies = self.requests, [], [], []
        return taken


def closed_url():
    """An address where nobody listens, as long as this process holds its port."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    closed_url.holders.append(holder)
    return f"http://127.0.0.1:{holder.getsockname()[1]}"


closed_url.holders = []


class Caller:
    """Runs the command, and Debian's `aws` on the same words, in an empty directory and home."""

    def __init__(self, server):
        self.server = server

    def run(self, words, env=None, files=None, command=None, file_mode=0o600, **more):
        folder = scratch()
        for name, content in (files or {}).items():
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
            os.chmod(path, file_mode)
        environment = dict(clean_environment(), COLUMNS="80", **(KEYS if env is None else env))
        environment.pop("AWS_PAGER")
        self.server.taken()
        done = run([*(command or [program("jobsweep")]), *words], environment, cwd=folder, errors="surrogateescape",
                   start_new_session=True, **more)  # no terminal to ask on
        return done, self.server.taken()

    def aws(self, words, **more):
        words = list(words)
        words.insert(words.index("delete-job-execution"), "iot")
        return self.run(words, command=[AWS], **more)
