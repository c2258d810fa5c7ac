"""``python -m hcc``: the command where the script folder is not on the path."""

from hcc.cli import main

if __name__ == "__main__":
    main()
