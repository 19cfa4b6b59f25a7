#!/usr/bin/python3
"""Writes a trained network as the three ONNX files and the config.ini that the engine reads.

export.py --work FOLDER --out FOLDER

Weights are rounded to half precision: they are what the model card's scores were measured with, and
they compress to half.
"""
import argparse
import hashlib
import pathlib

import onnx
import onnx.numpy_helper
import torch

from network import BANDS, DF_BINS, FFT, HOP, Network, Shape

CONFIG = """[df]
sr = 48000
fft_size = {fft}
hop_size = {hop}
nb_erb = {bands}
nb_df = {bins}
min_nb_erb_freqs = 2
norm_tau = 1
lsnr_max = 35
lsnr_min = -15
df_order = {order}
df_lookahead = {df_lookahead}

[deepfilternet]
conv_lookahead = {conv_lookahead}
conv_ch = {channels}
emb_hidden_dim = {hidden}
df_hidden_dim = {hidden}
linear_groups = {groups}
df_pathway_kernel_size_t = {pathway_hops}

[train]
model = deepfilternet2
"""


def load(work):
    """The averaged weights of a run, rounded to half precision, ready to be used."""
    kept = torch.load(pathlib.Path(work) / "checkpoint.pt", map_location="cpu")
    network = Network(Shape(**kept["shape"]))
    network.load_state_dict(kept["average"])
    network.eval()
    return network, kept


def export_part(path, module, inputs, names_in, names_out):
    torch.onnx.export(module, inputs, str(path), opset_version=12, input_names=names_in, output_names=names_out,
                      dynamic_axes={n: {2 if i.dim() == 4 else 1: "T"} for n, i in zip(names_in, inputs)})
    model = onnx.load(str(path))
    for tensor in list(model.graph.initializer) + [a.t for n in model.graph.node for a in n.attribute
                                                   if n.op_type == "Constant" and a.name == "value"]:
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) > 0:
            values = onnx.numpy_helper.to_array(tensor).astype("f2").astype("f4")
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    model.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
    onnx.save(model, str(path))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--work", required=True)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    network, kept = load(options.work)
    s, t = network.shape, 4
    with torch.no_grad():
        erb, cplx = torch.zeros(1, 1, t, BANDS), torch.zeros(1, 2, t, DF_BINS)
        e0, e1, e2, e3, emb, c0, _ = network.enc(erb, cplx)
        export_part(out / "enc.onnx", network.enc, (erb, cplx), ["feat_erb", "feat_spec"],
                    ["e0", "e1", "e2", "e3", "emb", "c0", "lsnr"])
        export_part(out / "erb_dec.onnx", network.erb_dec, (emb, e3, e2, e1, e0), ["emb", "e3", "e2", "e1", "e0"], ["m"])
        export_part(out / "df_dec.onnx", network.df_dec, (emb, c0), ["emb", "c0"], ["coefs"])
    (out / "config.ini").write_text(CONFIG.format(fft=FFT, hop=HOP, bands=BANDS, bins=DF_BINS, **vars(s)))
    print(f"step {kept['step']}, {kept['seconds'] / 60:.1f} minutes of training")
    for file in sorted(out.iterdir()):
        print(hashlib.sha256(file.read_bytes()).hexdigest(), file.name, file.stat().st_size)


if __name__ == "__main__":
    main()
