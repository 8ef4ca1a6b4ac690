"""Everything of ours that knows the EVM: compiling, nodes, reading at one block, sending crash-safely, deploying."""
