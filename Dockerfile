# syntax=docker/dockerfile:1
# poolplan without a shell. What is in it, and how it was tried, is told in docs/guides/image.md.
# linux/amd64: the digests in charts/image/requirements.txt are of that platform's files.
ARG GO=golang:1.25.4-bookworm
ARG PYTHON=python:3.11.14-slim-bookworm

# OpenTofu and the OVH provider, from source: the commits of the tags v1.10.10 and v2.9.0.
FROM ${GO} AS programs
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-trimpath
WORKDIR /src/tofu
RUN git init --quiet . \
    && git fetch --quiet --depth 1 https://github.com/opentofu/opentofu 51257d7593a2a90bdaa8c0ed15ed967fe1ff6cbb \
    && git checkout --quiet FETCH_HEAD \
    && go build -ldflags "-s -w -X github.com/opentofu/opentofu/version.dev=no" -o /out/tofu ./cmd/tofu
WORKDIR /src/provider
RUN git init --quiet . \
    && git fetch --quiet --depth 1 https://github.com/ovh/terraform-provider-ovh 18299862feae8a3142967bd404e85e0da23d1cf4 \
    && git checkout --quiet FETCH_HEAD \
    && go build -mod=vendor -ldflags "-s -w" -o /out/terraform-provider-ovh_v2.9.0 .

# poolplan and its packages, each checked against its digest.
FROM ${PYTHON} AS poolplan
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git openssh-client \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY charts/image/build.txt charts/image/requirements.txt charts/image/
RUN python -m venv /build \
    && /build/bin/pip install --quiet --require-hashes --no-deps -r charts/image/build.txt \
    && /build/bin/pip wheel --quiet --require-hashes --no-deps --no-build-isolation --wheel-dir /wheels \
       -r charts/image/requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY planner planner
COPY renderer renderer
COPY gitops gitops
RUN /build/bin/python -m hatchling build -t wheel -d /wheels \
    && python -m venv --without-pip /opt/poolplan \
    && /build/bin/pip --python /opt/poolplan/bin/python install --quiet --no-deps --no-index /wheels/*.whl \
    && /build/bin/pip --python /opt/poolplan/bin/python check \
    && python -m compileall -q -j 0 /opt/poolplan /usr/local/lib/python3.11

# The file system, put together file by file.
COPY charts/image/rootfs.py charts/image/tofu.rc charts/image/ssh_config charts/image/
COPY --from=programs /out/tofu /usr/local/bin/tofu
COPY --from=programs /out/terraform-provider-ovh_v2.9.0 /usr/share/poolplan/providers/registry.opentofu.org/ovh/ovh/2.9.0/linux_amd64/
RUN mkdir -p /etc/poolplan /usr/share/poolplan/providers/registry.terraform.io \
    && ln -s ../registry.opentofu.org/ovh /usr/share/poolplan/providers/registry.terraform.io/ovh \
    && cp charts/image/tofu.rc /etc/poolplan/tofu.rc \
    && cp charts/image/ssh_config /etc/ssh/ssh_config \
    && cp LICENSE /usr/share/poolplan/LICENSE \
    && python charts/image/rootfs.py /rootfs \
       /usr/local/bin/python3.11 /usr/local/bin/python3 /usr/local/lib/python3.11 /opt/poolplan \
       /usr/bin/git /usr/lib/git-core/git-remote-http /usr/lib/git-core/git-remote-https \
       /usr/bin/ssh /usr/bin/ssh-keygen /etc/ssh/ssh_config /etc/ssl/certs/ca-certificates.crt \
       /usr/local/bin/tofu /usr/share/poolplan /etc/poolplan

FROM scratch
COPY --from=poolplan /rootfs/ /
ENV PATH=/opt/poolplan/bin:/usr/local/bin:/usr/bin \
    HOME=/tmp \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    POOLPLAN_STATE=/var/lib/poolplan \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    TF_CLI_CONFIG_FILE=/etc/poolplan/tofu.rc
WORKDIR /tmp
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/opt/poolplan/bin/poolplan"]
CMD ["--help"]
