# Builds Tidegate, then carries the program and what it links to a small image.
FROM debian:bookworm-slim AS build
COPY packages.txt dev /src/
WORKDIR /src
RUN ./dev setup
COPY . .
# docker build --build-arg COMMIT=$(git rev-parse HEAD): what /server_info says.
ARG COMMIT=
RUN cmake --preset release -DTIDEGATE_TESTS=OFF -DTIDEGATE_COMMIT=$COMMIT && cmake --build build/release --target tidegate && strip build/release/tidegate
# The shared libraries it needs, by the linker's own word, besides those of the base image's libc.
RUN mkdir -p /image/usr/lib/tidegate /image/usr/bin /image/etc/tidegate \
 && cp build/release/tidegate /image/usr/bin/ \
 && ldd build/release/tidegate | awk '$3 ~ /^\// {print $3}' \
  | grep -vE '/(libc|libm|libpthread|libdl|librt|libresolv)\.so' | xargs -I{} cp -L {} /image/usr/lib/tidegate/

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 65532 --home-dir /nonexistent --shell /usr/sbin/nologin tidegate
COPY --from=build /image/ /
ENV LD_LIBRARY_PATH=/usr/lib/tidegate
USER 65532
VOLUME /etc/tidegate
EXPOSE 8080 8443 8082 9091 19000
HEALTHCHECK --interval=5s --timeout=2s CMD ["/usr/bin/tidegate", "healthcheck"]
ENTRYPOINT ["/usr/bin/tidegate"]
CMD ["run", "--config", "/etc/tidegate"]
