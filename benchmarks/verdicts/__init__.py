"""How often the verdicts on saliency maps are right: `python -m benchmarks.verdicts`."""
