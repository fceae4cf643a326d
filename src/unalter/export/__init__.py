"""Models in the forms in which the field passes them on: ONNX, and a folder for the Hugging Face Hub."""
