"""Being told of news: the toggle on a run or a sweep, and notifications of the browser."""
