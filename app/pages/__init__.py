"""One folder per screen: ``layout.py`` and ``callbacks.py``. Pages never import each other."""
