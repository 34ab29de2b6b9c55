# The MLflow server of compose.yaml, with the driver for PostgreSQL that MLflow's own image lacks.
FROM python:3.12-slim-bookworm
WORKDIR /mlflow
COPY docker/mlflow.lock ./
RUN python -m venv /opt/mlflow
RUN /opt/mlflow/bin/pip install --no-cache-dir --no-deps --require-hashes -r mlflow.lock
ENV PATH=/opt/mlflow/bin:$PATH
RUN mkdir -m 0777 /mlartifacts
USER 10001:10001
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5000/health', timeout=4)"]
CMD ["mlflow", "server", "--host", "0.0.0.0", "--port", "5000", "--serve-artifacts", "--artifacts-destination", "/mlartifacts"]
