"""How news reach a person: the toggle on a run or a sweep, and notifications of the browser."""
