"""The Dash application: projects on disk, jobs in worker processes, pages in the browser. No science here."""
