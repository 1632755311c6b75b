# Two commands. What they do stands in ivr/install, in Python, where it is tested.
PYTHON ?= python3

.PHONY: run test
run:
	@exec $(PYTHON) -m ivr.install run

test:
	@exec $(PYTHON) -m ivr.install test
