"""Order one task of your own model: `stun devnet up`, two providers and both keepers must run, or any deployment."""

import sys

from stun_sdk import Model, StunClient, Task

client = StunClient()  # a running devnet, or what STUN_* variables and ~/.config/stun/config.toml name
model = Model.from_file("my_model.pth")
model_id = client.upload_model(model)
task = Task(
    model_id=model_id,
    input_data="path/to/data",
    requirements={"gpu_memory": "16GB", "compute_capability": "8.0+", "privacy": "none"},
)
result = client.submit_task(task)
result.wait()
output = result.get_output()
sys.stdout.buffer.write(output)
