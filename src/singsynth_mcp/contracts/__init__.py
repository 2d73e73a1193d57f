"""What crosses a boundary: tool requests and results, job states, the call protocol."""
