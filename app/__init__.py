"""The Dash application: projects on disk, jobs in workers, pages in the browser. No science."""
