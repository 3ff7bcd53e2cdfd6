"""`python -m deocclude`, and `accelerate launch -m deocclude` for several processes."""

from deocclude.cli import main

if __name__ == "__main__":
    main()
