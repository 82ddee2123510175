"""The one part that is compiled, where there is a C compiler; without it the same is done in Python (docs/decisions/0024)."""

import sys

from setuptools import Extension, setup

CONTENT = "src/hegui/general/content"

setup(
    ext_modules=[
        Extension(
            "hegui.general.content._kernel",
            [f"{CONTENT}/{name}.c" for name in ("_kernel", "_kernel_reader", "_kernel_sums")],
            depends=[f"{CONTENT}/_kernel.h"],
            extra_compile_args=[] if sys.platform == "win32" else ["-O2", "-Wall", "-Wextra", "-fvisibility=hidden"],
            optional=True,
        )
    ]
)
