# The bot with the engine `own`, without torch (docs/operations.md, "Containers"):
#   docker build --target cpu -t ekaki:cpu .
#   docker build --target cuda -t ekaki:cuda .
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY constraints.txt deploy/requirements-own.txt ./
RUN python3 -m venv /venv \
 && /venv/bin/pip install -c constraints.txt -r requirements-own.txt

# Other packages: --build-arg EXTRAS="c2pa-python cryptography" (docs/operations.md, "Signed Content Credentials").
ARG EXTRAS=""
RUN test -z "$EXTRAS" || /venv/bin/pip install -c constraints.txt $EXTRAS

FROM packages AS packages-cpu
# OpenVINO for processors with bfloat16.
RUN /venv/bin/pip install -c constraints.txt onnxruntime==1.31.1 openvino
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY cogs cogs
COPY data data
COPY pipeline pipeline
RUN /venv/bin/pip install --no-deps .

FROM packages AS packages-cuda
RUN /venv/bin/pip install -c constraints.txt 'onnxruntime-gpu[cuda,cudnn]==1.31.1'
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY cogs cogs
COPY data data
COPY pipeline pipeline
RUN /venv/bin/pip install --no-deps .

FROM ${BASE} AS base
RUN useradd --system --uid 10001 --no-create-home --home-dir /state ekaki \
 && install -d -o ekaki -g ekaki -m 700 /state \
 && install -d -o ekaki -g ekaki /models
# For the health check; only containers that share this one's network reach it.
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/state MODELS_DIR=/models HF_HOME=/models/.hub METRICS_ADDRESS=127.0.0.1:9464
WORKDIR /state
VOLUME ["/state", "/models"]
USER 10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:9464/healthz', timeout=4)"]
ENTRYPOINT ["python", "-m", "bot"]
CMD ["run"]

FROM base AS cuda
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=packages-cuda /venv /venv

FROM base AS cpu
COPY --from=packages-cpu /venv /venv
