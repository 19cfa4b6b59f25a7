"""The network of src/denoise in PyTorch: DeepFilterNet2's topology with any widths.

Everything here mirrors what the C++ engine computes hop by hop (docs/denoiser.md), over whole sequences.
Module names are the node names under which the engine finds the weights in the exported files, so
renaming an attribute breaks the export.
"""
import dataclasses
import math

import torch
from torch import nn

FFT, HOP, BINS, BANDS, DF_BINS = 960, 480, 481, 32, 96
WIDTHS = [2] * 13 + [5, 5, 7, 7, 8, 10, 12, 13, 15, 18, 20, 24, 28, 31, 37, 42, 50, 56, 67]


@dataclasses.dataclass
class Shape:
    channels: int = 32      # of every convolution
    hidden: int = 128       # of every GRU
    groups: int = 8         # of every grouped linear layer
    erb_layers: int = 1     # GRU layers of the mask decoder
    df_layers: int = 1      # GRU layers of the filter decoder
    order: int = 5          # taps of the complex filter
    pathway_hops: int = 3   # time kernel of the filter decoder's shortcut
    conv_lookahead: int = 1
    df_lookahead: int = 0


class GroupedLinear(nn.Module):
    def __init__(self, inputs, outputs, groups):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(groups, inputs // groups, outputs // groups))
        nn.init.uniform_(self.weight, -(bound := math.sqrt(groups / inputs)), bound)
        self.groups = groups

    def forward(self, x):  # [B, T, inputs]
        b, t, n = x.shape
        x = x.view(b, t, self.groups, n // self.groups)
        return torch.einsum("btgi,gih->btgh", x, self.weight).flatten(2)


class Causal(nn.Module):
    """Zeros before the first hop, so that a time kernel sees only the past."""

    def __init__(self, hops):
        super().__init__()
        self.pad = nn.ConstantPad2d((0, 0, hops - 1, 0), 0.0)

    def forward(self, x):
        return self.pad(x)


def conv(inputs, outputs, kernel, stride=1, separable=True, transposed=False, activation=nn.ReLU):
    """Conv (depthwise or grouped), pointwise conv, batch norm, activation, as the engine names them."""
    groups = math.gcd(inputs, outputs) if separable else 1
    if groups == 1:
        separable = False
    layers = [Causal(kernel[0])] if kernel[0] > 1 else []
    if transposed:
        layers.append(nn.ConvTranspose2d(inputs, outputs, kernel, (1, stride), (0, 1), (0, stride - 1),
                                         groups=groups, bias=False))
    else:
        layers.append(nn.Conv2d(inputs, outputs, kernel, (1, stride), (0, kernel[1] // 2),
                                groups=groups, bias=False))
    if separable:
        layers.append(nn.Conv2d(outputs, outputs, 1, bias=False))
    return nn.Sequential(*layers, nn.BatchNorm2d(outputs), activation())


def shortcut(channels):
    return nn.Sequential(nn.Conv2d(channels, channels, 1, groups=channels, bias=False),
                         nn.BatchNorm2d(channels), nn.ReLU())


class SqueezedGru(nn.Module):
    def __init__(self, inputs, hidden, layers, groups, outputs=None, add_input=False):
        super().__init__()
        self.linear_in = nn.Sequential(GroupedLinear(inputs, hidden, groups), nn.ReLU())
        self.gru = nn.GRU(hidden, hidden, layers, batch_first=True)
        self.linear_out = nn.Sequential(GroupedLinear(hidden, outputs, groups), nn.ReLU()) if outputs else None
        self.add_input = add_input

    def forward(self, x):
        x = self.linear_in(x)
        h, _ = self.gru(x)
        if self.add_input:
            h = h + x
        return self.linear_out(h) if self.linear_out is not None else h


def flat(x):  # [B, C, T, F] -> [B, T, F * C]
    return x.permute(0, 2, 3, 1).flatten(2)


class Encoder(nn.Module):
    def __init__(self, s):
        super().__init__()
        c = s.channels
        self.erb_conv0 = conv(1, c, (3, 3), separable=False)
        self.erb_conv1 = conv(c, c, (1, 3), stride=2)
        self.erb_conv2 = conv(c, c, (1, 3), stride=2)
        self.erb_conv3 = conv(c, c, (1, 3))
        self.df_conv0 = conv(2, c, (3, 3))
        self.df_conv1 = conv(c, c, (1, 3), stride=2)
        self.df_fc_emb = nn.Sequential(GroupedLinear(c * DF_BINS // 2, c * BANDS // 4, s.groups), nn.ReLU())
        self.emb_gru = SqueezedGru(2 * c * BANDS // 4, s.hidden, 1, s.groups)
        self.lsnr_fc = nn.Sequential(nn.Linear(s.hidden, 1), nn.Sigmoid())

    def forward(self, feat_erb, feat_spec):  # [B, 1, T, 32], [B, 2, T, 96]
        e0 = self.erb_conv0(feat_erb)
        e1 = self.erb_conv1(e0)
        e2 = self.erb_conv2(e1)
        e3 = self.erb_conv3(e2)
        c0 = self.df_conv0(feat_spec)
        cemb = self.df_fc_emb(flat(self.df_conv1(c0)))
        emb = self.emb_gru(torch.cat([flat(e3), cemb], -1))
        lsnr = self.lsnr_fc(emb) * 50 - 15
        return e0, e1, e2, e3, emb, c0, lsnr


class ErbDecoder(nn.Module):
    def __init__(self, s):
        super().__init__()
        c = s.channels
        self.emb_gru = SqueezedGru(s.hidden, s.hidden, s.erb_layers, s.groups, c * BANDS // 4, add_input=True)
        self.conv3p = shortcut(c)
        self.convt3 = conv(c, c, (1, 3))
        self.conv2p = shortcut(c)
        self.convt2 = conv(c, c, (1, 3), stride=2, transposed=True)
        self.conv1p = shortcut(c)
        self.convt1 = conv(c, c, (1, 3), stride=2, transposed=True)
        self.conv0p = shortcut(c)
        self.conv0_out = conv(c, 1, (1, 3), separable=False, activation=nn.Sigmoid)

    def forward(self, emb, e3, e2, e1, e0):
        b, _, t, f = e3.shape
        y = self.emb_gru(emb).view(b, t, f, -1).permute(0, 3, 1, 2)
        y = self.convt3(self.conv3p(e3) + y)
        y = self.convt2(self.conv2p(e2) + y)
        y = self.convt1(self.conv1p(e1) + y)
        return self.conv0_out(self.conv0p(e0) + y)  # [B, 1, T, 32]


class DfDecoder(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.order = s.order
        self.df_gru = SqueezedGru(s.hidden, s.hidden, s.df_layers, s.groups, add_input=True)
        self.df_out = nn.Sequential(GroupedLinear(s.hidden, DF_BINS * s.order * 2, s.groups), nn.Tanh())
        self.df_convp = conv(s.channels, s.order * 2, (s.pathway_hops, 1))

    def forward(self, emb, c0):
        b, _, t, _ = c0.shape
        deep = self.df_out(self.df_gru(emb)).view(b, t, DF_BINS, self.order * 2)
        return deep + self.df_convp(c0).permute(0, 2, 3, 1)  # [B, T, 96, order * 2], tap * 2 + re/im


class Network(nn.Module):
    def __init__(self, shape=None):
        super().__init__()
        self.shape = shape or Shape()
        self.enc = Encoder(self.shape)
        self.erb_dec = ErbDecoder(self.shape)
        self.df_dec = DfDecoder(self.shape)
        n = torch.arange(FFT)
        self.register_buffer("window", torch.sin(math.pi / 2 * torch.sin(math.pi * (n + 0.5) / FFT) ** 2))
        spread = torch.zeros(BANDS, BINS)
        start = 0
        for band, width in enumerate(WIDTHS):
            spread[band, start:start + width] = 1
            start += width
        self.register_buffer("spread", spread)
        self.register_buffer("mean", spread.T / spread.sum(1))

    def analyse(self, x):  # [B, n * 480] -> complex [B, n, 481]
        x = nn.functional.pad(x, (HOP, 0))
        frames = x.unfold(1, FFT, HOP) * self.window
        return torch.fft.rfft(frames) / FFT

    def synthesise(self, spec):  # complex [B, n, 481] -> [B, n * 480], frame k ending at sample 480 (k + 1)
        frames = torch.fft.irfft(spec * FFT) * self.window
        y = frames[:, :, :HOP].clone()
        y[:, 1:] += frames[:, :-1, HOP:]
        return y.flatten(1)

    def features(self, spec):
        power = spec.real ** 2 + spec.imag ** 2
        db = 10 * torch.log10(power @ self.mean + 1e-10)
        low = spec[..., :DF_BINS]
        magnitude = torch.sqrt(power[..., :DF_BINS] + 1e-20)
        s = _smooth(db, torch.linspace(-60, -90, BANDS))
        u = _smooth(magnitude, torch.linspace(0.001, 0.0001, DF_BINS))
        erb = (db - s) / 40
        cplx = low / torch.sqrt(u.clamp(min=1e-20))
        return erb.unsqueeze(1), torch.stack([cplx.real, cplx.imag], 1)

    def forward(self, spec):
        """complex [B, T, 481] -> (enhanced [B, T, 481], lsnr [B, T]); frame k at index k."""
        with torch.no_grad():
            erb, cplx = self.features(spec)
        ahead = self.shape.conv_lookahead
        erb, cplx = (nn.functional.pad(f, (0, 0, 0, ahead)) for f in (erb, cplx))
        e0, e1, e2, e3, emb, c0, lsnr = self.enc(erb, cplx)
        mask = self.erb_dec(emb, e3, e2, e1, e0)[:, 0, ahead:]
        coefs = self.df_dec(emb, c0)[:, ahead:]
        masked = spec * (mask @ self.spread)
        b, t, _ = spec.shape
        order, df_ahead = self.shape.order, self.shape.df_lookahead
        padded = nn.functional.pad(torch.view_as_real(masked[..., :DF_BINS]),
                                   (0, 0, 0, 0, order - 1 - df_ahead, df_ahead))
        c = coefs.view(b, t, DF_BINS, order, 2)
        re = im = 0
        for tap in range(order):
            x = padded[:, tap:tap + t]
            re = re + c[..., tap, 0] * x[..., 0] - c[..., tap, 1] * x[..., 1]
            im = im + c[..., tap, 0] * x[..., 1] + c[..., tap, 1] * x[..., 0]
        low = torch.complex(re, im)
        return torch.cat([low, masked[..., DF_BINS:]], -1), lsnr[:, ahead:, 0]


def _smooth(x, initial, alpha=0.99):
    """s[t] = (1 - alpha) x[t] + alpha s[t - 1], exactly, as one lower-triangular product per block."""
    t = x.shape[1]
    n = torch.arange(t, dtype=torch.float64)
    decay = torch.where(n[:, None] >= n, (1 - alpha) * alpha ** (n[:, None] - n), torch.zeros(()).double())
    start = (alpha ** (n + 1))[:, None] * initial.double()
    return (decay.float() @ x) + start.float()
