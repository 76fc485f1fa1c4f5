"""Background jobs: processes that outlive the page or command that started them."""
