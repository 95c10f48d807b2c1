"""Sends every datagram back. Usage: echo.py PORT"""
import socket
import sys

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
    own.bind(("127.0.0.1", int(sys.argv[1])))
    while True:
        data, client = own.recvfrom(65536)
        own.sendto(data, client)
