"""streamndr's MINAS and ECSMiner on a stream; runs in the peers' environment.

With the settings of that package's own example. Rows are given in chunks, so that what was done is
known where a detector fails on the way, as its ECSMiner does here.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import pandas as pd
from streamndr.model import ECSMiner, Minas

CHUNK = 250


def main() -> None:
    """Answer one request: rows and labels before the stream, and the stream's rows and labels."""
    request = json.load(sys.stdin)
    x, later = (pd.DataFrame(request[name]) for name in ("x", "later"))
    y, truth = (np.array(request[name]) for name in ("y", "truth"))
    models = {
        "minas": Minas(
            kini=100,
            window_size=100,
            threshold_strategy=1,
            threshold_factor=1.1,
            min_short_mem_trigger=100,
            min_examples_cluster=20,
            random_state=42,
        ),
        "ecsminer": ECSMiner(K=50, min_examples_cluster=10, ensemble_size=7, random_state=42),
    }
    answer = {}
    for name, model in models.items():
        model.learn_many(x.to_numpy(), y)
        labels: list[int] = []
        failure = None
        begin = time.process_time()
        for start in range(0, len(truth), CHUNK):
            end = start + CHUNK
            try:
                found = model.predict_many(later.to_numpy()[start:end], truth[start:end])
            except Exception as error:
                failure = f"{type(error).__name__} in rows {start} to {end}"
                break
            labels += [int(label) for label in found]
        seconds = time.process_time() - begin
        answer[name] = {"labels": labels, "seconds": seconds, "failure": failure}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
