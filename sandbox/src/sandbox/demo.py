"""placeholder"""


def demo(layout): ...
