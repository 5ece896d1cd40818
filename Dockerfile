# The app and the commands. Runs live in /runs; compose.yaml puts nginx before it, docs/server.md tells of both.
# pip's own variables, such as PIP_INDEX_URL, can be given as build arguments: which torch is installed is theirs.
FROM python:3.11-slim
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
WORKDIR /project
COPY requirements.txt requirements.txt
RUN pip install --no-cache-dir torch==2.13.0
RUN pip install --no-cache-dir -r requirements.txt
COPY pyproject.toml README.md LICENSE CHANGELOG.md app.py ./
COPY .streamlit .streamlit
COPY pages pages
COPY g2is g2is
RUN pip install --no-cache-dir ".[login]"
ENV G2IS_CACHE=/runs G2IS_ADDRESS=0.0.0.0
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=30s --start-period=60s CMD ["g2is", "health", "--port", "8501"]
CMD ["g2is", "app", "--no-browser", "--port", "8501"]
