"""One room for each page; its page.py has a function called page(). No page imports another."""
