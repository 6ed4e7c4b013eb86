"""The reader's own process: ``python -m tiltyard.stores.readers.child`` takes a request on standard input as JSON.

It answers with one JSON line: ``{"header": [...], "blank": 0}``, or ``{"refused": "why"}``. Memory, time and core dumps
are limited before a byte of the object is looked at, so that an object can at worst end this process.
"""

import gc
import json
import resource
import sys
from typing import Any

import pyarrow as pa

from tiltyard.stores.readers.decompress import decompressed
from tiltyard.stores.readers.formats import READERS
from tiltyard.stores.readers.handover import Handover, Refusal, Request


def handle_request(request: Request) -> dict[str, Any]:
    """The header of an object whose rows were handed over, or why it was refused."""
    try:
        handover = Handover(request)
        header = READERS[request.format](decompressed(request), request, handover)
        handover.close()
    except Refusal as refusal:
        return {"refused": str(refusal)}
    except MemoryError:
        return {"refused": f"needs more memory than limits.reader_memory_mb, {request.memory_mb} MB"}
    except (pa.ArrowException, OSError, ValueError, RecursionError) as error:
        told = (str(error).splitlines() or [type(error).__name__])[0][:300]
        return {"refused": f"is damaged or not {request.format}: {told}"}
    return {"header": header, "blank": handover.blank}


def set_limits(request: Request) -> None:
    """Limit this process's memory and processor time, and let it leave no core file."""
    memory = request.memory_mb * 1024 * 1024
    seconds = int(request.seconds) + 1
    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_CPU: seconds}
    if sys.platform == "linux":  # elsewhere the address space is not limited or not meant so
        limits[resource.RLIMIT_AS] = memory
    for what, limit in limits.items():
        resource.setrlimit(what, (limit, limit))


def main() -> None:
    """Read one request, answer it."""
    request = Request(**json.load(sys.stdin))
    gc.disable()  # nothing here makes cycles, and looking for them takes longer than reading
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    set_limits(request)
    sys.stdout.write(json.dumps(handle_request(request)))


if __name__ == "__main__":
    main()
