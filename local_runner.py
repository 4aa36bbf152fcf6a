"""The command line of Modelworks: ``python local_runner.py --help``."""

from pipeline.cli import main

if __name__ == "__main__":
    main()
