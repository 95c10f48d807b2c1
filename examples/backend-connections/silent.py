"""Takes connections and requests, and never answers: 127.0.0.1:9002."""
import socket

listening = socket.create_server(("127.0.0.1", 9002))
peers = []
while True:
    peers.append(listening.accept()[0])
