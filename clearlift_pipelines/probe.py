"""`python -m clearlift_pipelines.probe --port 4000`: whether a code server answers with its definitions.

Exit code 0, or 1 and one line. It imports no Dagster, which takes seconds of CPU: an orchestrator asks twice a minute.
What does not belong here: whether the stores can be used (`clearlift doctor`).
"""

import argparse
import sys
import time

import grpc

METHOD = "/api.DagsterApi/ListRepositories"
# The reply is one JSON text: this class, with the name of each repository; or the class of an error.
ANSWER = b'"__class__": "ListRepositoriesResponse"'
REPOSITORY = b'"__class__": "LoadableRepositorySymbol"'
CALL_SECONDS = 10.0


def fault(host: str, port: int) -> str | None:
    """Why the server at this address cannot be used; None if it gave its definitions."""
    with grpc.insecure_channel(f"{host}:{port}") as channel:
        try:
            reply: bytes = channel.unary_unary(METHOD)(b"", timeout=CALL_SECONDS)
        except grpc.RpcError as error:
            return f"the code server at {host}:{port} does not answer: {error.code().name}"
    if ANSWER not in reply or REPOSITORY not in reply:
        return f"the code server at {host}:{port} runs, but has no definitions; its log has the reason"
    return None


def main() -> None:
    """Ask once, or until it answers; for a container's probe, and for what must start after the code server."""
    parser = argparse.ArgumentParser(prog="probe", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="ask again for so long")
    options = parser.parse_args()
    deadline = time.monotonic() + options.wait
    while (found := fault(options.host, options.port)) is not None and time.monotonic() < deadline:
        time.sleep(0.5)
    sys.exit(found)


if __name__ == "__main__":
    main()
