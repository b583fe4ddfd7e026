"""A local page that follows a live database: delivery against plan, events per second, lag, errors.

`database` opens it to read only and for a moment, `queries` says what is read, `server` answers a
browser on this machine. The page is `page.html`, `watch.css` and `watch.js`, in the report's look.
"""
