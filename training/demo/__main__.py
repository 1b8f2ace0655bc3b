"""`python -m training.demo STAGE`: make the demo model, one stage at a time or all of them."""

from training.demo.stages import main

if __name__ == "__main__":
    main()
