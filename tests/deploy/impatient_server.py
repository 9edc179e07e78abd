"""The code server of production, which waits a second for a run to end that was told to."""

from clearlift_pipelines import code_server, launcher

if __name__ == "__main__":
    launcher.GRACE_SECONDS = 1
    code_server.main()
