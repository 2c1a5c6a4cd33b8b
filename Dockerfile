FROM python:3.11-slim

ARG TORCH_INDEX_URL=https://download.pytorch.org/whl/cpu
WORKDIR /opt/spatialmeta
COPY pyproject.toml constraints.txt README.md LICENSE THIRD_PARTY.md ./
COPY spatialmeta_core spatialmeta_core
COPY app app
COPY assets assets
RUN pip install --no-cache-dir --constraint constraints.txt --index-url "$TORCH_INDEX_URL" torch \
 && pip install --no-cache-dir --constraint constraints.txt --editable .

RUN useradd --create-home spatialmeta && mkdir /data && chown spatialmeta /data
USER spatialmeta
ENV SPATIALMETA_DATA=/data SPATIALMETA_HOST=0.0.0.0
VOLUME /data
EXPOSE 8050
# Other machines can reach the container, so a secret is required: docker run -e SPATIALMETA_TOKEN=...
CMD ["spatialmeta", "serve"]
