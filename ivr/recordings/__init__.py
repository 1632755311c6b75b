"""The recordings of talks: their files, their rows, how long they are kept, who takes one out.

Asterisk writes the files (MixMonitor, only while caller and agent are joined). This room takes a file over when its
talk is done. It knows neither calls nor queues, and nothing here is ever waited for by a caller.
"""
