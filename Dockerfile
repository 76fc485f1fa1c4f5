# The dashboard with CUDA-capable torch. The wheel brings the libraries of CUDA 13; the host needs
# only an NVIDIA driver of version 580 or later and the NVIDIA container toolkit:
#   docker build -t cifar-lab .
#   docker run --init --gpus all --read-only --tmpfs /tmp -p 127.0.0.1:8501:8501 \
#     -e CIFAR_OPEN=everybody -v cifar-lab:/lab/models_store cifar-lab
# Published on 127.0.0.1 it is reached from this machine alone, hence CIFAR_OPEN; docs/deploy.md has
# the log-in for everything else, and TORCH_INDEX for machines without a GPU.
FROM python:3.11-slim

# for compiled networks: Triton builds a C module for the GPU, torch C++ code for the CPU
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /lab
ARG TORCH_INDEX=
COPY requirements.txt requirements.lock install_packages.sh ./
RUN PIP_NO_CACHE_DIR=1 ./install_packages.sh python requirements.lock

COPY pyproject.toml .
COPY app app
COPY cifar_core cifar_core
COPY models_store/README.md models_store/README.md
RUN useradd --create-home lab \
    && chown -R lab models_store \
    && python -c "from pathlib import Path; import shutil, plotly; shutil.copy(Path(plotly.__file__).parent / 'package_data/plotly.min.js', 'app/static/')"

USER lab
VOLUME /lab/models_store
# what they build is loaded as programs, which /tmp does not allow; the volume does
ENV TORCHINDUCTOR_CACHE_DIR=/lab/models_store/.compiled \
    TRITON_CACHE_DIR=/lab/models_store/.compiled/triton
# of the driver: its libraries for computing and for watching GPUs
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-c", \
    "import sys, urllib.request as u; sys.exit(u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=3).read() != b'ok')"]
CMD ["python", "-m", "streamlit", "run", "app/server.py", \
     "--server.address=0.0.0.0", "--server.headless=true"]
