"""`python -m cm_app` is `cm`."""

from cm_app.cli import main

if __name__ == "__main__":
    main()
