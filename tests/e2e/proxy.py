#!/usr/bin/env python3
"""Sweeps through a proxy that wants a password: iotsim under a name that only the proxy knows."""
import base64
import http.server
import json
import os
import socket
import socketserver
import ssl
import subprocess
import threading

from harness import LIMIT_S, Iotsim, Place, clean_environment, equal, main, program, scratch, wait_until

PASSWORD = "hunter2%40x"  # "hunter2@x" on the wire
WANTED = "Basic " + base64.b64encode(b"user:hunter2@x").decode()

CONFIGURATION = """version: 1
state_directory: {state}
targets:
  sim: {{account: "123456789012", region: us-east-1, endpoint_url: "https://iot.iotsim.invalid", ca_bundle: "{ca}",
    quotas: {{DeleteJobExecution: 2000, DescribeJobExecution: 2000}}}}
policies:
  - {{name: old, targets: [sim], mode: enforce, match: {{age: {{older_than: 30d}}}}}}
"""


class Tunnel(socketserver.StreamRequestHandler):
    """One CONNECT: answered by the server's word, then bytes both ways."""
    timeout = LIMIT_S

    def handle(self):
        head = []
        while (line := self.rfile.readline(8192)) not in (b"", b"\r\n"):
            head.append(line.decode("latin-1").rstrip("\r\n"))
        if not head:
            return
        self.server.asked.append(head[0])
        if f"Proxy-Authorization: {WANTED}" not in head:
            self.wfile.write(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", self.server.behind), timeout=LIMIT_S) as there:
            self.wfile.write(b"HTTP/1.1 200 Established\r\n\r\n")
            back = threading.Thread(target=pour, args=(there, self.connection), daemon=True)
            back.start()
            pour(self.connection, there)
            back.join()


def pour(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    try:
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, behind):
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.behind, self.asked = behind, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *why):
        self.shutdown()
        super().__exit__(*why)


def sweep(sim, proxy, password=PASSWORD):
    place = Place(sim)
    place.environment.update(AWS_ENDPOINT_URL_STS="https://sts.iotsim.invalid",
                             HTTPS_PROXY=f"http://user:{password}@127.0.0.1:{proxy.server_address[1]}")
    with open(place.path, "w", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(state=place.state, ca=sim.ca))
    os.chmod(place.path, 0o600)
    result = place.sweep()
    for word in ("hunter2", WANTED.split()[1]):
        assert word not in result.stdout + result.stderr, result.stdout + result.stderr
    return result


def simulator():
    return Iotsim("--things", 20, "--jobs", 5, "--executions", 100, "--seed", 4)


def a_sweep_goes_through_the_proxy_of_the_environment():
    with simulator() as sim, Proxy(sim.port) as proxy:
        result = sweep(sim, proxy)
        equal(result.returncode, 0, result.stderr)
        report = json.loads(result.stdout.splitlines()[-1])
        assert report["outcomes"]["deleted"] == report["selected"] > 20, report
        counts = sim.counts()
        equal((counts["deleted"], counts["double_deletes"]), (report["selected"], 0))
        equal(set(proxy.asked), {f"CONNECT {name}.iotsim.invalid:443 HTTP/1.1" for name in ("iot", "sts")})


def a_proxy_that_refuses_the_password_lets_nothing_through():
    with simulator() as sim, Proxy(sim.port) as proxy:
        result = sweep(sim, proxy, password="hunter2")
        assert result.returncode != 0
        assert proxy.asked
        equal(sim.counts()["deleted"], 0)


class Sts(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = (b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
                b"<Arn>arn:aws:iam::123456789012:user/x</Arn><UserId>AID</UserId><Account>123456789012</Account>"
                b"</GetCallerIdentityResult></GetCallerIdentityResponse>")
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


def given_rows_of_a_pseudo_region_go_to_fips_without_a_configuration():
    folder = scratch()
    key, certificate, rows = (os.path.join(folder, name) for name in ("key.pem", "cert.pem", "rows.csv"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
                    "-subj", "/CN=x", "-addext", "subjectAltName=DNS:sts-fips.us-east-1.amazonaws.com"], check=True, capture_output=True)
    with open(rows, "w", encoding="utf-8") as file:
        file.write("job_id,thing_name,execution_number\nj,t,1\n")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sts) as sts:
        sts.socket = context.wrap_socket(sts.socket, server_side=True)
        threading.Thread(target=sts.serve_forever, daemon=True).start()
        with Proxy(sts.server_address[1]) as proxy:
            env = dict(clean_environment(), HOME=folder, XDG_CONFIG_HOME=folder, AWS_REGION="fips-us-east-1", AWS_CA_BUNDLE=certificate,
                       AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b",
                       HTTPS_PROXY=f"http://user:{PASSWORD}@127.0.0.1:{proxy.server_address[1]}")
            with subprocess.Popen([program("jobsweep"), "delete-job-executions", "--dry-run", rows], env=env, cwd=folder,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
                wait_until(lambda: any("iot" in line for line in proxy.asked) or process.poll() is not None, "a call of IoT")
                process.kill()
                told = process.stderr.read()
            equal(set(proxy.asked), {f"CONNECT {name}-fips.us-east-1.amazonaws.com:443 HTTP/1.1" for name in ("sts", "iot")}, told)
        sts.shutdown()


main([given_rows_of_a_pseudo_region_go_to_fips_without_a_configuration,
      a_sweep_goes_through_the_proxy_of_the_environment, a_proxy_that_refuses_the_password_lets_nothing_through])
