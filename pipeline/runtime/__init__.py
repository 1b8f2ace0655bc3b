"""ONNX Runtime and OpenVINO: sessions, providers, threads, what their errors mean."""
