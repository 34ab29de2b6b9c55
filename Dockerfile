# The service `ferflow serve`, without TensorFlow, MLflow and DVC. From an export folder:
#   docker build -t ferflow .
#   docker run --rm -p 127.0.0.1:8000:8000 -v "$PWD/export:/model:ro" ferflow
FROM python:3.12-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/ferflow
COPY requirements-serve.lock ./
RUN /opt/ferflow/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements-serve.lock
COPY pyproject.toml README.md LICENSE requirements.in requirements-use.in requirements-serve.in ./
COPY src src
RUN /opt/ferflow/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12-slim-bookworm
COPY --from=build /opt/ferflow /opt/ferflow
ENV PATH=/opt/ferflow/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# A number, so that Kubernetes can check that it is not root.
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["ferflow", "serve", "--host", "0.0.0.0"]
CMD ["--model", "/model"]
