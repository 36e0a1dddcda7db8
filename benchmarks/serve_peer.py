"""The usual way to serve a scikit-learn model, for `serve_load`: pydantic, a pandas frame, a pipeline.

    python -m benchmarks.serve_peer cars.joblib --port 8000
"""

import argparse
from pathlib import Path
from typing import Any


def train(table, target: str, names: list[str], path: Path) -> dict[str, str]:
    """Fit and store the pipeline; column → "number" or "text"."""
    import joblib
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    frame = table[table[target].notna()]
    kinds = {name: "number" if frame[name].dtype.kind in "iufb" and frame[name].nunique() > 2 else "text" for name in names}
    X = frame[names].copy()
    for name, kind in kinds.items():
        X[name] = X[name].astype(float) if kind == "number" else X[name].astype(str)
    words = [name for name in names if kinds[name] == "text"]
    encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    model = make_pipeline(make_column_transformer((encode, words), remainder="passthrough"),
                          HistGradientBoostingRegressor(random_state=0))
    model.fit(X, frame[target])
    joblib.dump({"model": model, "kinds": kinds}, path)
    return kinds


def make(path: Path):
    """The application, as a tutorial would write it."""
    import joblib
    import pandas as pd
    from fastapi import FastAPI
    from pydantic import BaseModel, Field, create_model

    stored = joblib.load(path)
    model, kinds = stored["model"], stored["kinds"]
    types = {"number": float | None, "text": str | None}
    fields: dict = {f"f{i}": (types[kind], Field(alias=name)) for i, (name, kind) in enumerate(kinds.items())}
    Row: Any = create_model("Row", **fields)

    class Rows(BaseModel):
        rows: list[Row]

    app = FastAPI()

    @app.post("/predict")
    def predict(asked: Rows) -> dict[str, list[float]]:
        frame = pd.DataFrame([row.model_dump(by_alias=True) for row in asked.rows], columns=list(kinds))
        for name, kind in kinds.items():
            frame[name] = frame[name].astype(float if kind == "number" else str)
        return {"predictions": model.predict(frame).tolist()}

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


def main() -> None:
    """Serve."""
    import uvicorn

    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--port", type=int, default=8000)
    given = parser.parse_args()
    uvicorn.run(make(given.model), port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
